"""The cost of converting the messages of streams: ``python -m benchmarks.stream_messages``.

Processor time of one message, best of some rounds: as an AMQP client published it into a chunk, and
out of a chunk for an AMQP reader; beside them what it costs to render the delivery. It prints
figures, and judges none.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from amqp_server.wire.content import render_deliveries
from conformance import fields
from persistence.kernels import build_name
from persistence.record import Record, Run
from queues.stream.from_amqp10 import Wanted, read_messages
from queues.stream.to_amqp10 import append_messages
from queues.tail import NodeMemory, QueueMemory, Tail

CHUNK_MESSAGES: Final = 500
ROUNDS: Final = 7
CALLS: Final = 40
ROUTE: Final = b"\x02ex\x03key"
PREFIX: Final = b"\x00\x3c\x00\x3c\x01c"
PAYLOAD_MAX_BYTES: Final = 131_064
ALL: Final = Wanted(from_offset=0, count_max=1 << 30, bytes_max=1 << 40)

Properties = Callable[[int], bytes]


def none(_number: int) -> bytes:
    """Return no properties."""
    return fields.properties()


def same(_number: int) -> bytes:
    """Return the properties that all messages have."""
    headers = {"device": "d42", "kind": "temperature", "room": 7, "ok": True}
    return fields.properties(delivery_mode=2, headers=headers)


def others(number: int) -> bytes:
    """Return properties that no other message has."""
    headers = {"device": f"d{number % 100}", "kind": "temperature", "room": number, "ok": True}
    return fields.properties(
        delivery_mode=2,
        headers=headers,
        message_id=f"{number:08}",
        timestamp=1_700_000_000 + number,
    )


def run_of(properties: Properties, body: bytes) -> Run:
    """Return a run as it comes from a channel, in the memory of a queue."""
    tail = Tail(QueueMemory(NodeMemory()))
    records = []
    for number in range(CHUNK_MESSAGES):
        header = b"\x00\x3c\x00\x00" + len(body).to_bytes(8) + properties(number)
        records.append(Record(ROUTE, header, body))
    tail.append(records, 0)
    batch = tail.take(CHUNK_MESSAGES, 1 << 30, 0)
    assert batch is not None
    return batch.records


def nanoseconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call for one of its messages."""
    best_s = float("inf")
    for _ in range(ROUNDS):
        start_s = time.process_time()
        for _ in range(CALLS):
            call()
        best_s = min(best_s, time.process_time() - start_s)
    return best_s / CALLS / CHUNK_MESSAGES * 1e9


def written(run: Run) -> None:
    """Append a run to an empty chunk."""
    append_messages(bytearray(), run)


def rendered(run: Run) -> None:
    """Render the deliveries of a run."""
    render_deliveries(1, PREFIX, 1, run, PAYLOAD_MAX_BYTES, redelivered=False)


def main() -> None:
    """Measure each message, and print a line for it."""
    print(f"build={build_name()}, {CHUNK_MESSAGES} messages in a chunk")
    print(f"{'':34}{'octets':>8}{'written':>10}{'read':>10}{'rendered':>10}")
    for name, properties, body in (
        ("12 octets, no properties", none, b"x" * 12),
        ("12 octets, 4 headers, the same", same, b"x" * 12),
        ("12 octets, 6 others in each", others, b"x" * 12),
        ("1 KiB, no properties", none, b"x" * 1024),
        ("1 KiB, 6 others in each", others, b"x" * 1024),
    ):
        run = run_of(properties, body)
        chunk = bytearray()
        append_messages(chunk, run)
        data = bytes(chunk)
        read = read_messages(data, 0, 0, b"queue", ALL).run
        written_ns = nanoseconds(partial(written, run))
        read_ns = nanoseconds(partial(read_messages, data, 0, 0, b"queue", ALL))
        rendered_ns = nanoseconds(partial(rendered, read))
        print(
            f"{name:34}{len(data) / CHUNK_MESSAGES:>8.0f}"
            f"{written_ns:>7.0f} ns{read_ns:>7.0f} ns{rendered_ns:>7.0f} ns"
        )


if __name__ == "__main__":
    main()
