"""A look into a stream: any offset, whatever its chunks; what cannot be read is left out."""

from hypothesis import given
from hypothesis import strategies as st

from queues.looking import LookPlace
from queues.stream.looking import look, passing_by
from queues.stream.memory_log import MemoryStreamLog
from tests.support.stream_logs import appended

DATA = b"\x00\x53\x75\xa0"
NOW_MS = 1_000


def log_of(*chunks: list[bytes]) -> MemoryStreamLog:
    log = MemoryStreamLog()
    for bodies in chunks:
        log.append(appended(*[DATA + bytes([len(body)]) + body for body in bodies]), NOW_MS)
    return log


def seen(log: MemoryStreamLog, place: LookPlace | None, max_count: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while True:
        looked = look(log, b"s", place, max_count)
        if looked.place is None:
            return found
        assert place is None or looked.place.position > place.position, "it makes progress"
        assert sum([len(each.records) for each in looked.slices]) <= max_count
        for each in looked.slices:
            assert each.timestamp_ms == log.wall_ms(NOW_MS)
            found += [(one.position, bytes(one.record.body)) for one in each.messages()]
        place = looked.place


@given(st.lists(st.integers(1, 5), max_size=6), st.integers(1, 9), st.integers(0, 9))
def test_all_messages_come_in_order_whatever_the_chunks(
    sizes: list[int], max_count: int, first: int
) -> None:
    numbers = iter(range(100))
    log = log_of(*[[b"%d" % next(numbers) for _ in range(size)] for size in sizes])
    everything = [(number, b"%d" % number) for number in range(sum(sizes))]
    assert seen(log, None, max_count) == everything
    assert seen(log, LookPlace(0, first), max_count) == everything[first:]


def test_a_place_is_counted_by_offsets() -> None:
    log = log_of([b"a", b"b"], [b"c"])
    assert passing_by(log, 2) == (LookPlace(0, 2), 0)
    assert passing_by(log, 3) == (None, 0)


def test_a_chunk_that_is_no_list_of_messages_is_left_out() -> None:
    log = log_of([b"a"])
    log.append(appended(b"xx")._replace(parts=[b"\x7f\xff\xff\xff"]), NOW_MS)
    log.append(appended(DATA + b"\x01b"), NOW_MS)
    assert [body for _, body in seen(log, None, 9)] == [b"a", b"b"]
