"""``python -m cluster.liveness FD``: renew a node's lease; the node starts it, and nobody else.

The node writes the address of etcd to the socket ``FD`` first, as octets with their length in four
octets before them, so that no password is among the arguments or in the environment.
"""

import asyncio
import signal
import socket
import sys
import time
from typing import Final

from cluster.liveness.frames import LENGTH
from cluster.liveness.renewing import Renewing
from cluster.metadata.etcd.address import EtcdAddress, address_of

ADDRESS_BYTES_MAX: Final = 1 << 20


def monotonic_ms() -> int:
    """Return the clock that all processes of this host share."""
    return time.monotonic_ns() // 1_000_000


async def _run(channel: socket.socket, address: EtcdAddress) -> None:
    stores = [each.opened(monotonic_ms) for each in address.by_member()]
    try:
        await Renewing(channel, stores, monotonic_ms).run()
    finally:
        for store in stores:
            await store.close()


def _exactly(channel: socket.socket, size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        part = channel.recv(size - len(octets))
        if not part:
            raise SystemExit(0)  # The node is gone before it said where etcd is.
        octets += part
    return octets


def main() -> None:
    """Run until the node is gone; signals are for the node to take."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        (size,) = LENGTH.unpack(_exactly(channel, LENGTH.size))
        if size > ADDRESS_BYTES_MAX:
            raise SystemExit(f"expected an address of {ADDRESS_BYTES_MAX} octets, got {size}")
        address = address_of(_exactly(channel, size))
        channel.settimeout(0)
        asyncio.run(_run(channel, address))


if __name__ == "__main__":
    main()
