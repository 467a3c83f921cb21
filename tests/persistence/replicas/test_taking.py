"""A replica's messages in pieces, as they are wherever they lie."""

import random

import pytest

from persistence.chunk import decode_chunk, decode_header
from persistence.operations import encode_enqueue, encode_settle
from persistence.record import Record
from persistence.replicas.log import ReplicaLog
from persistence.replicas.taking import take
from persistence.slices import Slice
from tests.persistence.replicas.test_log import appended, new_log
from tests.support.records import record


def lane_at(log: ReplicaLog, position: int) -> int:
    """Return the lane of a message: as if by chance, and the same each time."""
    return 0 if log.state.lanes is None else position * 7 % 11 % 4


def message(log: ReplicaLog, position: int) -> Record:
    return record(b"%d" % position, priority=lane_at(log, position))


def put(log: ReplicaLog, count: int) -> None:
    """Publish some messages, each with its position in its body."""
    first = log.state.next_position
    records = [message(log, at) for at in range(first, first + count)]
    appended(log, 1, b"".join(encode_enqueue(0, first, records)))
    log.compact(log.end)


def settle(log: ReplicaLog, positions: range) -> None:
    appended(log, 1, encode_settle(0, positions))
    log.compact(log.end)


def numbers(slices: list[Slice]) -> list[int]:
    found = []
    for each in slices:
        bodies = [int(bytes(each.body)) for each in each.records]
        assert bodies == list(each.positions)
        found += bodies
    return found


def numbers_of(chunks: bytes) -> list[int]:
    """Return what is in chunks, one behind the other."""
    found, at = [], 0
    while at < len(chunks):
        header = decode_header(chunks[at:])
        found += numbers([decode_chunk(chunks[at : at + header.size_bytes])[1]])
        at += header.size_bytes
    return found


def everything(log: ReplicaLog) -> list[int]:
    """Return all that is live; a chunk may have what is settled, too."""
    taken = set(numbers(take(log.state, 0, 1 << 30).slices()))
    missing = log.state.settled.missing(0, max(log.state.next_position, 1))
    return sorted(taken & {at for each in missing for at in each})


def test_an_empty_queue_has_a_rest_of_nothing() -> None:
    taken = take(new_log().state, 0)
    assert (taken.pieces, taken.stop, taken.is_rest) == ([], 0, True)


def test_what_is_settled_is_left_out() -> None:
    log = new_log()
    put(log, 6)
    settle(log, range(1, 3))
    taken = take(log.state, 0)
    assert taken.is_rest
    assert numbers(taken.slices()) == [0, 3, 4, 5]
    assert numbers(take(log.state, 4).slices()) == [4, 5]


def test_a_chunk_is_taken_as_it_is() -> None:
    log = new_log()
    put(log, 4)
    log.messages.spill(0, [Slice([record(b"%d" % at) for at in range(4)], range(4))])
    taken = take(log.state, 0)
    assert len(taken.pieces) == 1
    assert isinstance(taken.pieces[0], bytes)
    settle(log, range(3))
    again = take(log.state, 0)
    assert not isinstance(again.pieces[0], bytes), "most of the chunk is of no use"
    assert numbers(again.slices()) == [3]


@pytest.mark.parametrize("max_priority", [None, 3])
@pytest.mark.parametrize("seed", range(30))
def test_pieces_have_each_message_once_wherever_it_lies(
    seed: int, max_priority: int | None
) -> None:
    """Messages are published, settled and spilled between two pieces, as in a queue at work."""
    draw = random.Random(seed)
    log = new_log(max_priority=max_priority)
    got: list[int] = []
    at = 0
    for step in range(1_000):
        match draw.choice("ppssmmc" if step < 150 else "t"):
            case "p":
                put(log, draw.randrange(1, 9))
            case "s" if log.state.next_position:
                first = draw.randrange(log.state.next_position)
                stop = min(first + draw.randrange(1, 5), log.state.next_position)
                settle(log, range(first, stop))
            case "c":
                log.store_some(draw.choice((100, 1 << 30)))
            case _ if step < 150:
                lane = draw.choice(range(1 if max_priority is None else 4))
                live = [each for each in everything(log) if lane_at(log, each) == lane]
                if live:
                    start = draw.randrange(len(live))
                    chosen = live[start : start + draw.randrange(1, 9)]
                    messages = [message(log, each) for each in chosen]
                    assert log.messages.spill(lane, [Slice(messages, chosen)], among_unacked=True)
            case _:
                pass
        if draw.random() < 0.2 or step >= 150:
            taken = take(log.state, at, draw.choice((1, 80, 400)))
            found = sorted(numbers(taken.slices()))
            if max_priority is None or not taken.is_rest:
                assert found == sorted(numbers_of(taken.chunks()))
            got += found
            at = taken.stop
            if taken.is_rest and step >= 150:
                break
    assert got == sorted(set(got)), "in order, and once"
    assert set(everything(log)) <= set(got)
