from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.metadata.errors import RecordFormatError
from cluster.metadata.records import (
    StoredController,
    StoredGone,
    StoredMember,
    StoredQueueState,
    decode_controller,
    decode_gone,
    decode_level,
    decode_member,
    decode_queue_state,
    encode_controller,
    encode_gone,
    encode_level,
    encode_member,
    encode_queue_state,
)
from cluster.replication.identity import MemberRecord
from cluster.replication.state import Kept, QueueOptions, QueueState, ReplicaId

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(0, 2**53)
states = st.builds(
    StoredQueueState,
    names,
    st.builds(
        QueueState, names, numbers, numbers, st.frozensets(st.builds(ReplicaId, names, names))
    ),
    st.builds(
        QueueOptions,
        st.lists(names, max_size=4).map(tuple),
        numbers,
        st.booleans(),
        st.none() | st.builds(Kept, numbers, numbers),
    ),
    st.booleans(),
)
members = st.builds(StoredMember, names, numbers, names, names)


@given(states)
def test_a_state_comes_back(state: StoredQueueState) -> None:
    assert decode_queue_state(encode_queue_state(state)) == state


@given(numbers)
def test_a_level_comes_back(level: int) -> None:
    assert decode_level(encode_level(level)) == level


@given(members)
def test_a_member_comes_back(member: StoredMember) -> None:
    assert decode_member(encode_member(member)) == member
    assert member.at(7) == MemberRecord(member.disk, member.stamp, 7)


def test_the_form_of_a_state_is_what_it_was() -> None:
    """A change here is another version: nodes of two versions share a store."""
    state = QueueState("a", 12, 7, frozenset({ReplicaId("b", "2"), ReplicaId("a", "1")}))
    stored = StoredQueueState("id", state, QueueOptions(("a", "b", "c"), 2))
    assert encode_queue_state(stored) == (
        b'{"v":1,"qid":"id","leader":"a","linc":12,"epoch":7,"isr":[["a","1"],["b","2"]],'
        b'"replicas":["a","b","c"],"min_isr":2,"lease_guard":false,"clean":true}'
    )
    of_priorities = replace(stored, max_priority=9)
    assert encode_queue_state(of_priorities) == encode_queue_state(stored)[:-1] + (
        b',"max_priority":9}'
    )
    assert decode_queue_state(encode_queue_state(of_priorities)) == of_priorities
    assert encode_member(StoredMember("d", 3, "z")) == (
        b'{"v":1,"disk":"d","stamp":3,"zone":"z","state":"active"}'
    )


GOOD = orjson.loads(
    encode_queue_state(
        StoredQueueState("id", QueueState("a", 1, 1, frozenset()), QueueOptions(("a",)))
    )
)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"epoch": -1},
        {"epoch": "7"},
        {"epoch": True},
        {"isr": "ab"},
        {"isr": [["a"]]},
        {"isr": [["a", 1]]},
        {"isr": [7]},
        {"leader": None},
        {"clean": 1},
        {"max_priority": "9"},
    ],
)
def test_another_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RecordFormatError):
        decode_queue_state(orjson.dumps(GOOD | change))


@pytest.mark.parametrize("octets", [b"", b"[]", b"7", b"{}", b"\xff", b"[" * 10_000])
def test_what_is_no_record(octets: bytes) -> None:
    with pytest.raises(RecordFormatError):
        decode_queue_state(octets)
    with pytest.raises(RecordFormatError):
        decode_member(octets)


def test_a_missing_field_is_refused_and_not_guessed() -> None:
    for field in GOOD:
        with pytest.raises(RecordFormatError):
            decode_queue_state(orjson.dumps({k: v for k, v in GOOD.items() if k != field}))


@given(st.none() | st.lists(names, max_size=4).map(tuple), names, numbers)
def test_a_note_and_the_controller_come_back(
    nodes: tuple[str, ...] | None, node: str, incarnation: int
) -> None:
    gone, controller = StoredGone(nodes), StoredController(node, incarnation)
    assert decode_gone(encode_gone(gone)) == gone
    assert decode_controller(encode_controller(controller)) == controller


@pytest.mark.parametrize("octets", [b"", b"[]", b'{"v": 2}', b'{"v": 1, "nodes": [1]}'])
def test_another_note_or_controller_is_refused(octets: bytes) -> None:
    with pytest.raises(RecordFormatError):
        decode_gone(octets)
    with pytest.raises(RecordFormatError):
        decode_controller(octets)
