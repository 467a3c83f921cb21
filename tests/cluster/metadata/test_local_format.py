import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.metadata.local_format import (
    HEADER_BYTES,
    SNAPSHOT_PAYLOAD_BYTES,
    FormatError,
    LogHeader,
    LogRecord,
    decode_header,
    decode_record,
    encode_header,
    encode_log,
    encode_record,
    has_record_behind,
)
from cluster.metadata.port import Change, Item

numbers = st.integers(0, 2**63 - 1)
octets = st.binary(max_size=20)
items = st.builds(Item, octets, octets, numbers, numbers, numbers)
changes = st.lists(
    st.one_of(
        octets.map(lambda key: Change(key, None)), items.map(lambda item: Change(item.key, item))
    ),
    max_size=5,
).map(tuple)


@given(numbers, numbers, changes)
def test_a_record_comes_back_where_it_was_written(
    salt: int, revision: int, written: tuple[Change, ...]
) -> None:
    record = encode_record(salt, 8, revision, written)
    assert len(record) % 8 == 0
    log = bytes(8) + record
    assert decode_record(log, salt, 8) == LogRecord(revision, written, len(log))
    assert decode_record(log, salt ^ 1, 8) is None
    assert decode_record(bytes(8) + log, salt, 16) is None
    assert decode_record(log[:-8], salt, 8) is None
    assert has_record_behind(bytes(8) + record, salt, 0)
    assert not has_record_behind(log, salt, 8)


@given(st.integers(0, 200), st.integers(0, 7))
def test_a_bit_that_turned_over_is_seen(place: int, bit: int) -> None:
    record = bytearray(encode_record(1, 0, 5, [Change(b"a", Item(b"a", b"v" * 100, 1, 5))]))
    covered = 16 + 40 + 1 + 100
    record[place % covered] ^= 1 << bit
    assert decode_record(bytes(record), 1, 0) is None


def test_a_header_comes_back() -> None:
    header = LogHeader(7, 8, 9)
    assert decode_header(encode_header(header)) == header
    assert len(encode_header(header)) == HEADER_BYTES


@pytest.mark.parametrize("at", range(HEADER_BYTES))
def test_a_damaged_header_is_seen(at: int) -> None:
    octets = bytearray(encode_header(LogHeader(7, 8, 9)))
    octets[at] ^= 1
    with pytest.raises(FormatError):
        decode_header(bytes(octets))
    with pytest.raises(FormatError):
        decode_header(bytes(octets[:at]))


def test_a_snapshot_is_cut_into_records() -> None:
    value = b"v" * (SNAPSHOT_PAYLOAD_BYTES // 3)
    written = [Item(b"%d" % number, value, 1, 1) for number in range(7)]
    log = bytes(HEADER_BYTES) + b"".join(encode_log(3, 9, written))
    position, found, count = HEADER_BYTES, [], 0
    while (record := decode_record(log, 3, position)) is not None:
        position = record.end
        found += [change.item for change in record.changes]
        count += 1
    assert (found, count, position) == (written, 3, len(log))
    assert list(encode_log(3, 9, [])) == []
