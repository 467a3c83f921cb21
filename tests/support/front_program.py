"""A node that leads, as a program: what is published is delivered back. Its port is on stdout."""

import asyncio
import sys

from cluster.fronts.frames import Confirmed, Deliver, Publish
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.encoding import Frame
from cluster.links.sockets.dialer import TcpAddress
from queues.batch import Batch
from tests.support.front_nodes import FrontNode


def deliver_back(link: FrontLink, frame: Frame) -> None:
    """Answer a run with its messages, and a confirm behind them."""
    if isinstance(frame, Publish):
        numbers = range(frame.first, frame.first + len(frame.run))
        link.put(Deliver(frame.queue, (1,), Batch(numbers, frame.run)))
        link.put(Confirmed(frame.queue, numbers[-1]))


async def main() -> None:
    """Serve until the program is killed, or its stdin ends."""
    node = await FrontNode("b", {}).listen()
    node.answer = deliver_back
    [address] = node.addresses
    assert isinstance(address, TcpAddress)
    sys.stdout.write(f"{address.port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
