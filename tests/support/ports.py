"""Ports of the loopback for servers of tests, also of tests that run beside each other.

They are below those that the kernel gives to connections (32,768 and up on Linux), so that none is
taken between the look and the server's start. Each process has a share of its own: it holds a
socket with the share's number in its name, which ends with it. A port is given with its companions:
other ports of whoever has it, at the distances below. Nobody else is given those.
"""

import os
import random
import socket
from collections.abc import Iterator
from typing import Final

HOST: Final = "127.0.0.1"
FIRST: Final = 6_400
SHARE: Final = 400
SHARES: Final = 15
STEP: Final = 8
"""Between two ports in a row: who has one may use those behind it, too, for streams or nodes."""

NODES: Final = 3
STREAMS_BELOW: Final = 120
COMPANIONS: Final = (
    *range(STEP),
    *(
        offset + node
        # Of a node of several its streams; its HTTP API, its metrics; of RabbitMQ Erlang's.
        for offset in (-STREAMS_BELOW, 10_000, 10_020)
        for node in range(NODES)
    ),
    20_000,
)
"""The ports of whoever has one, as distances from that one."""


def share_of(number: int) -> range:
    """Return the ports of a share, from 0 on. Those at its begin are only given as companions."""
    first = FIRST + SHARE * number
    return range(first + STREAMS_BELOW, first + SHARE - STEP)


def claimed_share() -> range:
    """Return a share that no other process has as long as this one and its children live.

    Where others have all of them, it is one that another process has, too.
    """
    for number in range(SHARES):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0haremq-ports-of-tests-{number}")
        except OSError:
            claim.close()
        else:
            claim.detach()
            return share_of(number)
    return share_of(os.getpid() % SHARES)


def free_ports(share: range) -> Iterator[int]:
    """Yield ports that nobody has at that moment, those of a share in turn from a random one."""
    tried = share[::STEP]
    first = random.randrange(len(tried))
    while True:
        given = False
        for port in filter(has_free_companions, (*tried[first:], *tried[:first])):
            given = True
            yield port
        if not given:
            raise OSError(f"no port from {share.start} to {share.stop - 1} is free")


def has_free_companions(port: int) -> bool:
    """Return whether a server could have a port of the loopback, and all that go with it."""
    return all(is_free(port + offset) for offset in COMPANIONS)


def is_free(port: int) -> bool:
    """Return whether a server could have a port of the loopback."""
    with socket.socket() as probe:
        # As a server does: connections that have ended keep nobody off.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


_OURS: Final = free_ports(claimed_share())


def free_port() -> int:
    """Return a port that nobody has, with companions, and that was not given lately."""
    return next(_OURS)
