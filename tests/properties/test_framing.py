"""The scanner and the decoders on any bytes: cut anywhere, mutated anyhow, or plain noise."""

import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.protocol.assembly import HEAD_BYTES, Assembly
from amqp_server.wire.errors import FrameError, MethodSyntaxError, WireError
from amqp_server.wire.events import AckRange, Event, FrameEvent, PublishBurst, PublishRun
from amqp_server.wire.framing import scan
from amqp_server.wire.methods import METHODS, decode_method
from amqp_server.wire.properties import split, traits_of
from amqp_server.wire.tables import Field, decode_table, encode_table
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    content_header,
    publish_payload,
)
from tests.support.streams import FRAMES, LIMIT, STREAMS

Step: TypeAlias = tuple[object, ...]


def steps(events: list[Event]) -> Iterator[Step]:
    """Yield what events say message by message, so that the ends of runs do not matter."""
    for event in events:
        match event:
            case PublishRun(channel, method, records, _):
                yield from (("publish", channel, method, record) for record in records)
            case PublishBurst(channel, methods, order, records, _):
                numbered = zip(order, records, strict=True)
                yield from (("publish", channel, methods[n], record) for n, record in numbered)
            case AckRange(channel, first, last, multiple):
                yield from (("ack", channel, tag, multiple) for tag in range(first, last + 1))
            case _:
                yield event


def in_pieces(data: bytes, cuts: list[int]) -> tuple[list[Step], str | None]:
    """Scan as a connection does that reads so many bytes at a time."""
    found: list[Step] = []
    rest = b""
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    start = 0
    for end in ends:
        buffer = rest + data[start:end]
        start = end
        events, consumed_bytes, error = scan(buffer, LIMIT)
        found += steps(events)
        if error is not None:
            return found, f"{type(error).__name__}: {error}"
        rest = buffer[consumed_bytes:]
    return found, None


@given(data=STREAMS, cuts=st.lists(st.integers(0, 600), max_size=8))
def test_reads_may_be_cut_anywhere(data: bytes, cuts: list[int]) -> None:
    assert in_pieces(data, cuts) == in_pieces(data, [])


@given(data=STREAMS)
def test_a_burst_changes_between_its_methods_and_tells_the_same_in_order(data: bytes) -> None:
    for event in scan(data, LIMIT).events:
        if isinstance(event, PublishBurst):
            assert len(event.order) == len(event.records)
            assert sorted(set(event.order)) == list(range(len(event.methods)))
            assert sorted(event.order, key=event.order.index) == sorted(event.order)
            assert len(set(event.methods)) == len(event.methods) > 1
            flags = 0
            for record in event.records:
                flags |= record.flags
            assert event.flags == flags
            runs = [*event.in_order()]
            assert list(steps([*runs])) == list(steps([event]))
            assert all(one.method != other.method for one, other in pairwise(runs))


@given(data=st.lists(FRAMES, max_size=6).map(b"".join))
def test_reads_may_bring_one_byte_each(data: bytes) -> None:
    assert in_pieces(data, list(range(len(data)))) == in_pieces(data, [])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a stream with some bytes changed, taken out, or put in."""
    data = bytearray(draw(STREAMS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "remove", "insert"])):
            case "change" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "remove":
                del data[at : at + draw(st.integers(1, 9))]
            case _:
                data[at:at] = draw(st.binary(max_size=5))
    return bytes(data)


class CountedBytes(bytes):
    """Counts how often the scanner compares."""

    comparisons = 0

    def startswith(self, *arguments: object) -> bool:
        type(self).comparisons += 1
        return super().startswith(*arguments)  # type: ignore[arg-type]


@given(data=st.one_of(mutated(), st.binary(max_size=200)), repeats=st.sampled_from([1, 40]))
def test_any_bytes_are_scanned_once_and_nothing_is_raised(data: bytes, repeats: int) -> None:
    CountedBytes.comparisons = 0
    buffer = CountedBytes(data * repeats)
    events, consumed_bytes, error = scan(buffer, LIMIT)
    assert 0 <= consumed_bytes <= len(buffer)
    assert error is None or isinstance(error, WireError)
    assert CountedBytes.comparisons <= len(buffer) + 8
    told_bytes = sum(
        len(step.payload) if isinstance(step, FrameEvent) else 1 for step in steps(events)
    )
    assert told_bytes <= consumed_bytes
    again = scan(bytes(buffer[consumed_bytes:]), LIMIT)
    assert (again.events, str(again.error)) == ([], str(error))


# -- tables ------------------------------------------------------------------------------------


def integers(kind: str, low: int, high: int) -> st.SearchStrategy[Field]:
    return st.builds(Field, st.just(kind), st.integers(low, high))


SCALARS = st.one_of(
    integers("I", -(2**31), 2**31 - 1),
    integers("i", 0, 2**32 - 1),
    integers("s", -(2**15), 2**15 - 1),
    integers("u", 0, 2**16 - 1),
    integers("b", -128, 127),
    integers("B", 0, 255),
    integers("l", -(2**63), 2**63 - 1),
    integers("L", -(2**63), 2**63 - 1),
    integers("T", 0, 2**64 - 1),
    st.builds(Field, st.just("t"), st.booleans()),
    st.builds(Field, st.just("f"), st.floats(width=32, allow_nan=False)),
    st.builds(Field, st.just("d"), st.floats(allow_nan=False)),
    st.builds(Field, st.sampled_from("Sx"), st.binary(max_size=20)),
    st.builds(Field, st.just("D"), st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1))),
    st.just(Field("V", None)),
)
KEYS = st.binary(max_size=12).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
FIELDS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(Field, st.just("F"), st.dictionaries(KEYS, inner, max_size=4)),
        st.builds(Field, st.just("A"), st.lists(inner, max_size=4)),
    ),
    max_leaves=12,
)
TABLES = st.dictionaries(KEYS, FIELDS, max_size=6)


@given(table=TABLES, before=st.binary(max_size=3), after=st.binary(max_size=3))
def test_a_table_comes_back_as_it_was(table: dict[str, Field], before: bytes, after: bytes) -> None:
    octets = encode_table(table)
    found, end = decode_table(before + octets + after, len(before))
    assert (found, end) == (table, len(before + octets))
    assert encode_table(found) == octets


NOISE = st.one_of(
    st.binary(max_size=80),
    st.binary(max_size=80).map(lambda content: struct.pack(">I", len(content)) + content),
    st.lists(
        st.sampled_from([b"\x01a", b"F", b"A", b"V", b"t\x01", b"S", b"\x00\x00\x00\x04", b"\x00"]),
        max_size=30,
    ).map(lambda parts: struct.pack(">I", sum(map(len, parts))) + b"".join(parts)),
)


@given(octets=NOISE)
def test_noise_is_a_table_or_a_syntax_error(octets: bytes) -> None:
    try:
        found, end = decode_table(octets)
    except MethodSyntaxError:
        return
    assert end == 4 + int.from_bytes(octets[:4], "big")
    assert decode_table(encode_table(found))[0] == found or "nan" in repr(found)


# -- methods, properties, content --------------------------------------------------------------


@given(index=st.sampled_from(sorted(METHODS)), arguments=NOISE)
def test_noise_is_a_method_or_a_wire_error(index: int, arguments: bytes) -> None:
    try:
        method = decode_method(struct.pack(">I", index) + arguments)
    except (FrameError, MethodSyntaxError):
        return
    assert method.index == index


@pytest.mark.parametrize("read", [traits_of, split])
@given(
    octets=st.one_of(
        st.binary(min_size=14, max_size=60), NOISE.map(lambda o: content_header(0, b"\xff\xfc" + o))
    )
)
def test_noise_is_a_property_list_or_a_syntax_error(
    read: Callable[[bytes], object], octets: bytes
) -> None:
    try:
        read(octets)
    except MethodSyntaxError:
        return
    assert split(octets).encode()[12:] == bytes((octets[12], octets[13] & ~2)) + octets[14:]


@given(
    frames=st.lists(
        st.tuples(
            st.sampled_from([METHOD, HEADER, BODY]),
            st.one_of(st.binary(max_size=20), st.integers(0, 6).map(content_header)),
        ),
        max_size=10,
    )
)
def test_content_in_any_order_is_a_message_or_a_wire_error(
    frames: list[tuple[int, bytes]],
) -> None:
    assembly = Assembly(keep_max_bytes=4)
    try:
        for kind, payload in frames:
            if kind == METHOD:
                assembly.check_method_may_come()
                assembly.start(publish_payload())
                continue
            content = assembly.feed(kind, payload)
            assert assembly.held_bytes <= HEAD_BYTES + 20 + 4  # a header of at most 20 octets
            if content is not None:
                kept = len(content.run[0].body)
                assert kept == (content.size_bytes if content.size_bytes <= 4 else 0)
    except WireError:
        pass
