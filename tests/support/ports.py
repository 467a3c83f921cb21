"""Ports of the loopback for servers of tests, also of tests that run beside each other.

They are below those that the kernel gives to connections (32,768 and up on Linux), so that none is
taken between the look and the server's start. Each worker of pytest-xdist has a share of its own.
"""

import os
import random
import socket
from collections.abc import Iterator
from typing import Final

HOST: Final = "127.0.0.1"
FIRST: Final = 10_000
SHARE: Final = 1_000
SHARES: Final = 10
STEP: Final = 7
"""Between two ports in a row: who has one may use those behind it, too, for streams or nodes."""


def share_of(worker: str) -> range:
    """Return the ports of a worker of pytest-xdist, as ``gw3``; empty: the only process."""
    first = FIRST + SHARE * (int(worker.removeprefix("gw") or 0) % SHARES)
    return range(first, first + SHARE)


def free_ports(share: range) -> Iterator[int]:
    """Yield ports that nobody has at that moment, all of a share in turn from a random one."""
    first = random.randrange(len(share))
    while True:
        tried = [share[(first + number * STEP) % len(share)] for number in range(len(share))]
        given = False
        for port in filter(is_free, tried):
            given = True
            yield port
        if not given:
            raise OSError(f"no port from {share.start} to {share.stop - 1} is free")


def is_free(port: int) -> bool:
    """Return whether a server could have a port of the loopback."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


_OURS: Final = free_ports(share_of(os.environ.get("PYTEST_XDIST_WORKER", "")))


def free_port() -> int:
    """Return a port that nobody has, and that this process has not been given lately."""
    return next(_OURS)
