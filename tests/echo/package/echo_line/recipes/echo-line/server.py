"""Passes on each line that a client says to all others; a PING is answered."""

import asyncio

CLIENTS = set()


async def serve(reader, writer):
    CLIENTS.add(writer)
    try:
        while line := await reader.readline():
            for other in [writer] if line == b"PING\n" else CLIENTS - {writer}:
                other.write(b"PONG\n" if line == b"PING\n" else line)
    except ConnectionError:
        pass
    finally:
        CLIENTS.discard(writer)
        writer.close()


async def main():
    async with await asyncio.start_server(serve, "0.0.0.0", 7007) as server:
        await server.serve_forever()


asyncio.run(main())
