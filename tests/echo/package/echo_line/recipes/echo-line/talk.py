"""Says what is typed, and shows what others say."""

import socket
import sys
import threading

CONNECTION = socket.create_connection(("localhost", 7007))


def show():
    for line in CONNECTION.makefile("r"):
        sys.stdout.write(line)
        sys.stdout.flush()


threading.Thread(target=show, daemon=True).start()
try:
    while True:
        CONNECTION.sendall(f"{input()}\n".encode())
except EOFError:
    pass
