"""Makes scripts of streams, of what RabbitMQ 3.10 does in one way only.

Left out is what 3.10 crashes on (nack, reject, recover), what it delivers by chunk instead of by
message (several publishes at once), and what it changes in messages (numbers among the headers). A
channel has one consumer of a stream, because two would race for it.
"""

from collections.abc import Mapping
from typing import Any, Final

from conformance.fields import Typed
from conformance.random.generator import WEIGHTS, Generator
from conformance.random.script import Message, Step

STREAM_ARGUMENTS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {},
    {"x-max-age": "1D"},
    {"x-max-length-bytes": 10**9},
)
"""Arguments of streams that drop nothing."""

STRANGE_STREAM_ARGUMENTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"x-max-age": "1d"},
    {"x-max-age": 5},
    {"x-max-length-bytes": -1},
    {"x-max-length": 2},
    {"x-message-ttl": 5},
    {"x-stream-max-segment-size-bytes": 3_000_000_001},
    {"x-initial-cluster-size": 0},
)
"""Arguments that are refused."""

OFFSETS: Final[tuple[Any, ...]] = (
    None,
    "first",
    "first",
    "last",
    "next",
    0,
    1,
    Typed("l", 2),
    9,
    "1h",
    Typed("T", 1),
    "1d",
)
"""Values of x-stream-offset; None is none, and the last one is refused."""

_LEFT_OUT: Final = ("nack", "reject", "recover", "publish_some", "flow")
STREAM_WEIGHTS: Final[Mapping[str, float]] = {
    **{name: weight for name, weight in WEIGHTS.items() if name not in _LEFT_OUT},
    "declare": 2,
    "declare_strange": 0.4,
    "consume": 6,
    "ack": 12,
    "get": 0.3,
    "purge": 0.2,
    "delete": 0.8,
    "qos": 2,
}
"""As ``WEIGHTS``; what ends a connection is rare."""


def generate_streams(seed: int, step_count: int) -> list[Step]:
    """Make the script of a seed."""
    return StreamGenerator(seed).script(step_count)


class StreamGenerator(Generator):
    """Makes scripts whose queues are streams."""

    weights = STREAM_WEIGHTS

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._readers: set[tuple[str, str]] = set()

    def _first_steps(self) -> list[Step]:
        prefetches = [
            self._step_on(channel, "basic.qos", prefetch_count=self._random.choice([1, 2, 3]))
            for channel in self._channels
        ]
        return [*prefetches, self._declare()]

    def _new_queue(self) -> dict[str, Any]:
        arguments = {"x-queue-type": "stream", **self._random.choice(STREAM_ARGUMENTS)}
        return {
            "durable": not self._perhaps(0.03),
            "exclusive": self._perhaps(0.03),
            "auto_delete": self._perhaps(0.03),
            "arguments": arguments,
        }

    def _declare_strange(self) -> Step:
        strange = super()._declare_strange()
        arguments = {"x-queue-type": "stream", **self._random.choice(STRANGE_STREAM_ARGUMENTS)}
        return strange._replace(given={**strange.given, "durable": True, "arguments": arguments})

    def _message(self) -> Message:
        self._body_count += 1
        properties: dict[str, Any] = {"delivery_mode": 2}
        if self._perhaps(0.3):
            properties["headers"] = {"h": "s"}
        return Message(f"m{self._body_count}", properties)

    def _consume(self) -> Step | None:
        self._tag_count += 1
        queue, channel = self._queue(), self._random.choice(self._channels)
        if (channel, queue) in self._readers:
            return None
        self._readers.add((channel, queue))
        offset = self._random.choice(OFFSETS)
        arguments: dict[str, Any] = {} if offset is None else {"x-stream-offset": offset}
        if self._perhaps(0.05):
            arguments["x-priority"] = 1
        tag = f"c{self._tag_count}"
        self._consumers.append((channel, tag))
        return self._step_on(
            channel,
            "basic.consume",
            queue=queue,
            consumer_tag=tag,
            exclusive=self._perhaps(0.1),
            arguments=arguments,
        )

    def _qos(self) -> Step:
        return self._step("basic.qos", prefetch_count=self._random.choice([1, 1, 2, 3]))
