"""Why a queue moves or does not, asked over HTTP."""

from typing import Any

from pamqp import commands

from amqp_server.broker.alarms import Resource
from tests.support.management_api import Api


def look(api: Api) -> None:
    api.node.now_ms += 5_000
    api.node.end_turns()
    api._runner.run(api.management.services.sampler.look())


def explained(api: Api, queue: str = "jobs") -> Any:  # noqa: ANN401 -- JSON
    return api.get(f"queues/%2F/{queue}/explain").json


def rules(body: Any) -> list[str]:  # noqa: ANN401 -- JSON
    return [reason["rule"] for reason in body["reasons"]]


def test_a_queue_without_consumers(api: Api) -> None:
    peer = api.node.open()
    peer.declare(arguments={"x-max-length": 1, "x-expires": 60_000, "x-message-ttl": 9_000})
    assert explained(api)["verdict"] == "empty"
    peer.publish(b"x")
    body = explained(api)
    assert (body["verdict"], body["text"]) == ("waits", "it has no consumer")
    assert rules(body) == ["no_consumer", "full", "message_ttl", "expires"]
    assert body["reasons"][0]["stops"] is True


def test_consumers_whose_prefetch_is_used_up(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    peer.send(commands.Basic.Qos, prefetch_count=2)
    peer.consume()
    for _ in range(5):
        peer.publish(b"x")
    look(api)
    look(api)
    body = explained(api)
    assert body["verdict"] == "waits"
    assert (
        body["text"] == "its consumer holds as many deliveries unacked as its prefetch allows (2)"
    )
    assert rules(body) == ["prefetch_full", "unacked"]
    [consumer] = body["consumers"]
    assert (consumer["consumer_tag"], consumer["messages_unacknowledged"]) == ("me", 2)


def test_a_queue_that_moves(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    peer.consume(no_ack=True)
    look(api)
    for _ in range(5):
        peer.publish(b"x")
    look(api)
    body = explained(api)
    assert (body["verdict"], body["text"]) == ("moves", "messages leave it")
    assert body["consumers"][0]["text"] == "can take messages"


def test_only_one_consumer_is_active(api: Api) -> None:
    first, second = api.node.open(), api.node.open()
    first.declare(arguments={"x-single-active-consumer": True})
    first.send(commands.Basic.Qos, prefetch_count=1)
    first.consume()
    second.consume()
    first.publish(b"1")
    first.publish(b"2")
    body = explained(api)
    assert rules(body) == ["single_active", "prefetch_full", "unacked"]
    assert body["text"].startswith("its consumer holds")
    assert {one["text"] for one in body["consumers"]} >= {"waits until it is the active one"}


def test_an_alarm_and_a_stream(api: Api) -> None:
    peer = api.node.open()
    peer.declare(exclusive=True)
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=api.node.now_ms)
    assert rules(explained(api)) == ["no_consumer", "alarm", "exclusive"]
    api.put("queues/%2F/s", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    assert explained(api, "s")["verdict"] == "kept"


def test_a_queue_that_is_not_there(api: Api) -> None:
    assert api.get("queues/%2F/none/explain").status == 404
    api.add_user("eve", "management", vhosts=())
    assert api.get("queues/%2F/none/explain", user="eve").status == 401
