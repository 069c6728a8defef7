"""What a process needs to know of a running stack; plain data, handed to the checks' process as JSON."""

from __future__ import annotations

import msgspec


class GatewayInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway's SOCKS5 port is published on this machine, and how to log in.

    container: its id. image: what it runs (also used for other small containers of ours).
    """

    container: str
    image: str
    host: str
    port: int
    user: str
    password: str


class StackInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A running stack.

    project: name of the Compose project. run: the grader process it belongs to. endpoint: address of the engine.
    compose_file, stage: absolute paths of the file that Compose is given and of the folder it lies in.
    epoch: `time.time()` at the stack's t=0. services: containers per service. networks: name in the plan -> real name.
    """

    project: str
    run: str
    endpoint: str
    compose_file: str
    stage: str
    epoch: float
    gateway: GatewayInfo
    services: dict[str, int]
    compose_binary: str
    networks: dict[str, str]
