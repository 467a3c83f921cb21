"""What a node tells the others of what it has and leads."""

import json

import pytest

from amqp_server.broker.admin import PeerRefusedError
from management.told_rows import ToldRows
from tests.support.joined_apis import B, Joined, joined_apis


def told(joined: Joined, kind: str) -> list[tuple[list[object], bytes]]:
    """Return the rows of b."""
    rows = ToldRows(joined.b.management.services)
    head, *lines = joined.b.run(rows.answer(json.dumps([kind, 0]).encode(), "x")).split(b"\n")
    assert head == b"null"
    parted = [line.partition(b"\t") for line in lines]
    return [(json.loads(head), text) for head, _, text in parted]


def test_things_are_told_with_who_may_see_them() -> None:
    with joined_apis() as joined:
        joined.b.add_user("eve", "management")
        joined.b.node.open(user="eve").consume("jobs")
        users = [head[1] for head, _ in told(joined, "connections")]
        assert users == ["guest", "eve"]
        [_, (head, text)] = told(joined, "channels")
        body = json.loads(text)
        assert head == ["/", "eve", body["name"]]
        [(head, text)] = told(joined, "consumers")
        assert head == ["/", "eve", json.loads(text)["consumer_tag"]]
        [(head, text)] = told(joined, "node")
        assert json.loads(text)["name"] == head[2] == B


def test_a_queue_is_told_where_it_is_led_and_whole_where_others_do_not_have_it() -> None:
    with joined_apis() as joined:
        client = joined.b.node.open()
        client.declare("mine", exclusive=True)
        client.publish(b"x")
        joined.b.node.end_turns()
        found = {str(head[1]): (head, text) for head, text in told(joined, "queues")}
        assert set(found) == {"jobs", "mine"}
        head, text = found["jobs"]
        assert isinstance(head[2], list)
        assert (head[2][0], text) == (1, b"")
        assert json.loads(found["mine"][1])["exclusive"] is True


@pytest.mark.parametrize("question", [b"", b"[]", b'["accounts",0]', b'["queues","x"]', b"7"])
def test_another_question_is_refused(question: bytes) -> None:
    with joined_apis() as joined:
        rows = ToldRows(joined.b.management.services)
        with pytest.raises(PeerRefusedError):
            joined.b.run(rows.answer(question, "x"))
