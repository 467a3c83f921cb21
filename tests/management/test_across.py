"""Totals over all nodes, and how numbers of several objects are added."""

from management.across import added
from tests.support.joined_apis import A, B, joined_apis


def test_numbers_are_added_and_nothing_else() -> None:
    own = {
        "messages": 1,
        "rate": 0.5,
        "flag": True,
        "name": "a",
        "only_here": 1,
        "samples": [{"sample": 1, "timestamp": 10}, {"sample": 2, "timestamp": 5}],
        "ragged": [1],
    }
    other = {
        "messages": 2,
        "rate": 1,
        "flag": True,
        "name": "b",
        "only_there": 1,
        "samples": [{"sample": 3, "timestamp": 11}, {"sample": 4, "timestamp": 6}],
        "ragged": [1, 2],
    }
    assert added(own, [other, None, {"messages": "x"}]) == {
        "messages": 3,
        "rate": 1.5,
        "flag": True,
        "name": "a",
        "only_here": 1,
        "samples": [{"sample": 4, "timestamp": 10}, {"sample": 6, "timestamp": 5}],
        "ragged": [1],
    }
    assert own["messages"] == 1


def test_the_overview_and_vhosts_have_the_sums_of_all_nodes() -> None:
    with joined_apis() as joined:
        client = joined.b.node.open()
        client.consume("votes")
        for _ in range(3):
            client.publish(b"x")
        joined.a.look()
        joined.b.look()
        overview = joined.a.get("overview?columns=queue_totals&lengths_age=10&lengths_incr=5").json
        assert overview["queue_totals"]["messages"] == 3
        assert overview["queue_totals"]["messages_details"]["samples"][0]["sample"] == 3
        totals = joined.a.get("overview").json["object_totals"]
        assert (totals["consumers"], totals["queues"]) == (1, 2)
        assert totals["connections"] == 3
        assert joined.a.get("vhosts/%2F").json["messages"] == 3
        [vhost] = joined.a.get("vhosts").json
        assert vhost["messages"] == 3
        assert vhost["cluster_state"] == {A: "running", B: "running"}


def test_one_question_is_enough_for_all_who_ask_and_nobody_asks_on() -> None:
    with joined_apis() as joined:
        for _ in range(3):
            joined.a.get("overview")
        assert [each[0] for each in joined.peers.asked] == [B]
        assert joined.peers._nodes[B].asked == []
        joined.peers.is_gone = True
        joined.a.node.now_ms += 1_001
        assert joined.a.get("overview").status == 200
