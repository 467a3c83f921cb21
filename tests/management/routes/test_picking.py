"""Single messages go while they are what was seen; no other message is ever touched."""

from collections.abc import Iterator
from typing import Any

import pytest
from pamqp import commands

from management.routes.picking import PICKED_MAX
from tests.support.management_api import Api

DELETE = "queues/%2F/q/messages/delete"
MOVE = "queues/%2F/q/messages/move"


@pytest.fixture(autouse=True)
def queues(api: Api) -> None:
    for name in ("q", "other"):
        api.put(f"queues/%2F/{name}", {})
    api.node.open().publish(b"1", b"2", b"3", routing_key="q")


def seen(api: Api, queue: str = "q", **given: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.post(f"queues/%2F/{queue}/peek", given).json["items"]
    return items


def picked(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{key: one[key] for key in ("place", "fingerprint")} for one in messages]}


def payloads(api: Api, queue: str = "q") -> list[str]:
    return [one["payload"] for one in seen(api, queue)]


def test_one_message_goes_and_the_others_keep_their_places(api: Api) -> None:
    before = seen(api)
    answer = api.post(DELETE, picked(before[1]))
    assert answer.json == {"done": 1, "messages": [{"place": "0.1", "result": "deleted"}]}
    after = seen(api)
    assert [one["place"] for one in after] == ["0.0", "0.2"]
    assert [one["redelivered"] for one in after] == [False, False]
    (got,) = api.post(
        "queues/%2F/q/get", {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
    ).json
    assert (got["payload"], got["redelivered"]) == ("1", False)


def test_a_message_moves_as_it_was(api: Api) -> None:
    before = seen(api)
    answer = api.post(MOVE, {"dest": "other", **picked(before[0], before[2])})
    assert [one["result"] for one in answer.json["messages"]] == ["moved", "moved"]
    assert (payloads(api), payloads(api, "other")) == (["2"], ["1", "3"])
    (first, _) = seen(api, "other")
    assert first["fingerprint"] == before[0]["fingerprint"], "route, header and body are the same"


def test_what_is_gone_is_404_and_what_is_another_one_is_409(api: Api) -> None:
    before = seen(api)
    assert api.post(DELETE, picked(before[0])).status == 200
    gone = api.post(DELETE, picked(before[0]))
    assert (gone.status, gone.json["error"]) == (404, "not_found")
    assert "not ready any more" in gone.json["reason"]
    changed = api.post(DELETE, picked({**before[1], "fingerprint": before[2]["fingerprint"]}))
    assert (changed.status, changed.json["error"]) == (409, "conflict")
    assert payloads(api) == ["2", "3"]
    some = api.post(DELETE, picked(*before)).json
    assert (some["done"], [one["result"] for one in some["messages"]]) == (
        2,
        ["gone", "deleted", "deleted"],
    )


def test_a_queue_that_was_declared_again_has_other_messages(api: Api) -> None:
    before = seen(api)
    api.delete("queues/%2F/q")
    api.put("queues/%2F/q", {})
    api.node.open().publish(b"new", routing_key="q")
    assert api.post(DELETE, picked(before[0])).status == 409
    assert payloads(api) == ["new"]


def test_an_unacked_message_belongs_to_its_consumer(api: Api) -> None:
    before = seen(api)
    client = api.node.open()
    client.send(commands.Basic.Get, queue="q")
    client.receive()
    (held,) = seen(api, state="unacked")
    assert held["payload"] == "1"
    refused = api.post(DELETE, picked(held))
    assert (refused.status, "unacked" in refused.json["reason"]) == (409, True)
    assert api.post(DELETE, picked(before[0])).status == 404, "it is not ready any more"
    assert api.get("queues/%2F/q").json["messages"] == 3


def test_a_dead_letter_goes_back_to_where_it_died(api: Api) -> None:
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q"}
    api.put("queues/%2F/work", {"arguments": arguments})
    client = api.node.open()
    client.publish(b"bad", routing_key="work")
    client.send(commands.Basic.Get, queue="work")
    client.receive()
    client.send(commands.Basic.Reject, delivery_tag=1, requeue=False)
    *others, letter = seen(api)
    answer = api.post(MOVE, {"dest": "origin", **picked(others[0], letter)})
    assert [one["result"] for one in answer.json["messages"]] == ["nowhere", "moved"]
    (back,) = seen(api, "work")
    assert back["payload"] == "bad"
    assert "x-death" in back["properties"]["headers"]
    assert api.post(MOVE, {"dest": "origin", **picked(others[0])}).status == 409


def test_a_full_queue_takes_none_and_the_message_stays(api: Api) -> None:
    api.put("queues/%2F/small", {"arguments": {"x-max-length": 0, "x-overflow": "reject-publish"}})
    answer = api.post(MOVE, {"dest": "small", **picked(seen(api)[1])})
    assert (answer.status, answer.json["reason"]) == (409, "the other queue is full")
    assert payloads(api) == ["1", "2", "3"]


def test_a_stream_refuses(api: Api) -> None:
    api.put("queues/%2F/log", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    one = {"place": "0.0", "fingerprint": "0" * 24}
    refused = api.post("queues/%2F/log/messages/delete", picked(one))
    assert (refused.status, "is a stream" in refused.json["reason"]) == (400, True)


@pytest.mark.parametrize("kind", [{}, {"x-queue-type": "quorum"}, {"x-max-priority": 5}])
def test_every_kind_that_is_taken_from(api: Api, kind: dict[str, object]) -> None:
    api.put("queues/%2F/k", {"durable": True, "arguments": kind})
    client = api.node.open()
    for number in range(20):
        client.publish(b"%d" % number, routing_key="k", priority=number % 3)
    before = seen(api, "k")
    chosen = before[3:17:2]
    answer = api.post("queues/%2F/k/messages/delete", picked(*chosen))
    assert answer.json["done"] == len(chosen)
    assert [one["place"] for one in seen(api, "k")] == [
        one["place"] for one in before if one not in chosen
    ]
    assert api.get("queues/%2F/k").json["messages"] == 20 - len(chosen)


def bodies() -> Iterator[dict[str, Any]]:
    yield {}
    yield {"messages": []}
    yield {"messages": [1]}
    yield {"messages": [{"place": "0.1"}]}
    yield {"messages": [{"fingerprint": "0" * 24}]}
    yield {"messages": [{"place": "0.1", "fingerprint": "x"}]}
    yield {"messages": [{"place": "x", "fingerprint": "0" * 24}]}
    yield {"messages": [{"place": "0.1", "fingerprint": "0" * 24}] * (PICKED_MAX + 1)}


@pytest.mark.parametrize("body", list(bodies()))
def test_a_request_that_names_no_message_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.post(DELETE, body).status == 400
    assert payloads(api) == ["1", "2", "3"]


def test_queues_that_there_are_not(api: Api) -> None:
    body = picked(seen(api)[0])
    assert api.post("queues/%2F/none/messages/delete", body).status == 404
    assert api.post(MOVE, {"dest": "none", **body}).status == 404
    assert api.post(MOVE, body).status == 400
    assert api.post(MOVE, {"dest": "q", **body}).status == 400
    assert payloads(api) == ["1", "2", "3"]
