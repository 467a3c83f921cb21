"""What other nodes have told is kept for a moment, asked for once, and bounded."""

import json

import pytest

from amqp_server.broker.views import QueueCounts
from management import peer_rows, told_rows
from management.access.account import Account
from management.live.feeds import Feed
from management.peer_rows import COUNTS, FRESH_MS, STALE_MS, ToldNumbers
from queues.counters import QueueCounts as Counted
from tests.support.joined_apis import A, B, Joined, joined_apis


def names_of(joined: Joined) -> list[str]:
    told = joined.a.management.services.told
    return [row.name for row in joined.a.run(told.things("connections", lambda _: True))]


def test_rows_are_asked_for_once_in_a_while() -> None:
    with joined_apis() as joined:
        assert len(names_of(joined)) == 1
        joined.b.node.open()
        assert len(names_of(joined)) == 1
        assert [each[:2] for each in joined.peers.asked] == [(B, "rows")]
        joined.a.node.now_ms += FRESH_MS + 1
        assert len(names_of(joined)) == 2


def test_a_node_that_is_silent_is_waited_for_a_moment_and_its_old_rows_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_rows, "ROWS_S", 0.01)
    with joined_apis() as joined:
        assert len(names_of(joined)) == 1
        joined.peers.is_silent = True
        joined.a.node.now_ms += FRESH_MS + 1
        assert len(names_of(joined)) == 1
        assert len(names_of(joined)) == 1
        assert len(joined.peers.asked) == 2, "one question at a time"
        joined.a.node.now_ms += STALE_MS
        assert names_of(joined) == []
        joined.a.run(joined.a.management.services.told.stop())


def test_a_node_that_is_gone_or_does_not_run_has_no_rows() -> None:
    with joined_apis() as joined:
        joined.peers.is_gone = True
        assert names_of(joined) == []
        joined.peers.is_gone = False
        assert len(names_of(joined)) == 1
        assert joined.a.broker.cluster is not None
        joined.a.broker.cluster.stop(B)  # type: ignore[attr-defined]
        assert names_of(joined) == []


def test_a_single_queue_is_told_where_another_node_leads_it() -> None:
    with joined_apis() as joined:
        told = joined.a.management.services.told
        row = joined.a.run(told.queue("/", "jobs"))
        assert row is not None
        assert (row.node, row.name) == (B, "jobs")
        assert joined.a.run(told.queue("/", "votes")) is None
        assert joined.a.run(told.queue("/", "none")) is None
        asked_count = len(joined.peers.asked)
        pictures = joined.a.management.services.hub._pictures
        joined.b.node.open().publish(b"x")
        joined.a.node.now_ms += FRESH_MS + 1
        account = Account("guest", ("administrator",))
        picture = joined.a.run(pictures.of(Feed("queues", "/", "jobs"), account))
        assert picture is not None
        assert picture[0]["messages"] == 1
        assert len(joined.peers.asked) == asked_count + 1


def test_queues_are_put_together_once_for_all_who_ask() -> None:
    with joined_apis() as joined:
        told = joined.a.management.services.told
        first = joined.a.run(told.queues())
        assert [name for _, name in first] == ["jobs"]
        assert joined.a.run(told.queues()) is first
        joined.a.node.now_ms += FRESH_MS + 1
        again = joined.a.run(told.queues())
        assert again is not first
        assert list(again) == list(first)
        joined.peers.is_gone = True
        joined.a.node.now_ms += STALE_MS + 1
        assert joined.a.run(told.queues()) == {}


def test_many_rows_come_in_several_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_rows, "BYTES_MAX", 10)
    with joined_apis() as joined:
        for _ in range(4):
            joined.b.node.open()
        assert len(names_of(joined)) == 5
        skips = [json.loads(octets)[1] for _, _, octets in joined.peers.asked]
        assert skips == [0, 1, 2, 3, 4]
        monkeypatch.setattr(peer_rows, "ANSWERS_MAX", 2)
        joined.a.node.now_ms += FRESH_MS + 1
        assert len(names_of(joined)) == 2


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense", b"null\n[]\t", b'null\n["v"]\t{}', b"null\n7\t{}"],
)
def test_an_answer_that_makes_no_sense_tells_nothing(answer: bytes) -> None:
    async def nonsense(_octets: bytes, _node: str) -> bytes:
        return answer

    with joined_apis() as joined:
        joined.peers._nodes[B].answering["rows"] = nonsense
        assert names_of(joined) == []
        told = joined.a.management.services.told
        assert joined.a.run(told.queues()) == {}


def test_all_numbers_of_a_queue_are_told_but_how_messages_died() -> None:
    deaths = Counted._fields[COUNTS:]
    assert deaths == ("dead_lettered", "dropped", "dead_lettered_safely")
    assert QueueCounts is Counted


def test_numbers_of_another_node_grow_as_they_do_there() -> None:
    numbers = ToldNumbers([1, 2], [0.5, 3.0], 7)
    assert (numbers.last, numbers.changed_ms) == ([1, 2], 7)
    assert numbers.growth(1_000, 3_000) == [1, 6]
    assert numbers.at(1, 0) == 2
    assert ToldNumbers([1], [], 7).growth(0, 1_000) is None


def test_what_several_ask_for_at_once_is_made_once() -> None:
    made = []

    async def make() -> int:
        made.append(1)
        return len(made)

    with joined_apis() as joined:
        told = joined.a.management.services.told
        assert [joined.a.run(told.shared("x", make)) for _ in range(2)] == [1, 1]
        assert joined.a.run(told.shared("y", make)) == 2
        joined.a.node.now_ms += 1_001
        assert joined.a.run(told.shared("x", make)) == 3
        assert len(told._shared) == 1
    assert A
