"""What the checks of streams have in common: a stream with messages, a reader, and arguments."""

import time
from typing import Any, Final

from pamqp import commands

from conformance.client import Channel
from conformance.peer import Peer

STREAM: Final = {"x-queue-type": "stream"}
EVENTS_MAX_S: Final = 0.1
"""What a broker does of its own accord has come after this time."""


def x_arguments(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - values of any type
    """Return arguments with the names that they have on the wire."""
    return {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}


def declared(peer: Peer, channel: Channel, hint: str = "", **arguments: Any) -> str:  # noqa: ANN401
    """Declare a stream under a fresh name."""
    given = STREAM | x_arguments(**arguments)
    return peer.queue(channel, hint, durable=True, arguments=given)


def filled(peer: Peer, channel: Channel, count: int) -> str:
    """Declare a stream, publish messages 0, 1, ... to it, and await their confirms."""
    queue = declared(peer, channel)
    channel.call(commands.Confirm.Select)
    for number in range(count):
        channel.publish_confirmed(b"%d" % number, routing_key=queue)
    return queue


def reading(
    peer: Peer,
    queue: str,
    prefetch_count: int = 10,
    tag: str = "",
    offset: object = "first",
) -> Channel:
    """Return a channel with a consumer that begins at an offset; None gives none."""
    channel = peer.channel()
    channel.call(commands.Basic.Qos, prefetch_count=prefetch_count)
    channel.consume(queue, tag, arguments={} if offset is None else {"x-stream-offset": offset})
    return channel


def offsets(channel: Channel, count: int) -> list[int]:
    """Await so many deliveries; return their offsets."""
    return [event.headers["x-stream-offset"].value for event in channel.deliveries(count)]


def first_offset(peer: Peer, queue: str) -> int:
    """Return the offset of the first message that is kept."""
    channel = reading(peer, queue, prefetch_count=1)
    (offset,) = offsets(channel, 1)
    return offset


def nothing_more(channel: Channel) -> None:
    """Give the broker time, and see that it delivers nothing."""
    channel.sync()
    time.sleep(EVENTS_MAX_S)
    channel.sync()
    assert not channel.arrived(), channel.arrived()
