"""A vhost as nodes and edges."""

from typing import Any
from urllib.parse import quote

import pytest
from pamqp import commands

from management.routes import topology as module
from tests.support.management_api import Api


def build(api: Api) -> None:
    api.put("exchanges/%2F/orders", {"type": "topic", "arguments": {"alternate-exchange": "lost"}})
    api.put("exchanges/%2F/lost", {"type": "fanout"})
    dead = {"x-dead-letter-exchange": "lost", "x-dead-letter-routing-key": "k"}
    api.put("queues/%2F/jobs", {"arguments": dead})
    api.put("queues/%2F/other", {"arguments": {"x-dead-letter-exchange": ""}})
    for number in range(7):
        api.post("bindings/%2F/e/orders/q/jobs", {"routing_key": f"a.{number}"})
    api.post("bindings/%2F/e/orders/e/lost", {"routing_key": "#"})


def edges(body: Any) -> set[tuple[str, str, str]]:  # noqa: ANN401 -- JSON
    return {(edge["from"], edge["to"], edge["kind"]) for edge in body["edges"]}


def test_nodes_and_the_ways_between_them(api: Api) -> None:
    build(api)
    peer = api.node.open()
    peer.consume()
    body = api.get("topology/%2F").json
    names = {(node["kind"], node["name"]) for node in body["nodes"]}
    assert {
        ("exchange", ""),
        ("exchange", "orders"),
        ("queue", "jobs"),
        ("consumer", "me"),
    } <= names
    consumer = next(node["id"] for node in body["nodes"] if node["kind"] == "consumer")
    assert edges(body) == {
        ("exchange orders", "queue jobs", "binding"),
        ("exchange orders", "exchange lost", "binding"),
        ("exchange orders", "exchange lost", "alternate"),
        ("queue jobs", "exchange lost", "dead"),
        ("queue other", "exchange ", "dead"),
        ("queue jobs", consumer, "consume"),
    }
    bound = next(edge for edge in body["edges"] if edge["to"] == "queue jobs")
    assert (bound["bindings_count"], bound["routing_keys"][:2]) == (7, ["a.0", "a.1"])
    assert len(bound["routing_keys"]) == 5
    assert body["truncated"] is False


def test_rates_are_those_of_the_last_looks(api: Api) -> None:
    build(api)
    peer = api.node.open()
    sampler = api.management.services.sampler
    api._runner.run(sampler.look())
    for _ in range(10):
        peer.publish(b"x", exchange="orders", routing_key="a.1")
    api.node.now_ms += 5_000
    api.node.end_turns()
    api._runner.run(sampler.look())
    nodes = {node["id"]: node for node in api.get("topology/%2F").json["nodes"]}
    assert nodes["exchange orders"]["rate_in"] == 2.0
    assert nodes["queue jobs"]["rate_in"] == 2.0
    assert nodes["queue jobs"]["messages_ready"] == 10


def test_channels_are_told_with_the_exchanges_that_they_publish_to(api: Api) -> None:
    build(api)
    peer = api.node.open()
    sampler = api.management.services.sampler
    api._runner.run(sampler.look())
    for number in range(10):
        peer.publish(b"x", exchange="orders", routing_key="a.1")
        peer.publish(b"x", exchange="amq.fanout" if number % 2 else "")
    api.look()
    body = api.get("topology/%2F").json
    [node] = [node for node in body["nodes"] if node["kind"] == "publisher"]
    assert (node["name"], node["channel"]) == ("guest", 1)
    found = {
        each["to"]: (each["published"], each["rate"])
        for each in body["edges"]
        if each["kind"] == "publish" and each["from"] == node["id"]
    }
    assert found == {
        "exchange orders": (10, 2.0),
        "exchange ": (5, 1.0),
        "exchange amq.fanout": (5, 1.0),
    }
    channel = api.get("channels").json[0]["name"]
    publishes = api.get(f"channels/{quote(channel, safe='')}").json["publishes"]
    told = {each["exchange"]["name"]: each["stats"] for each in publishes}
    assert told["orders"] == {"publish": 10, "publish_details": {"rate": 2.0}}
    assert set(told) == {"orders", "", "amq.fanout"}


def test_publishers_to_what_is_not_told_are_counted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(api)
    peer = api.node.open()
    peer.publish(b"x", exchange="orders", routing_key="a.1")
    peer.publish(b"x", routing_key="jobs")
    monkeypatch.setattr(module, "PUBLISHES_MAX", 1)
    body = api.get("topology/%2F").json
    assert (body["left_out"]["publishers"], body["truncated"]) == (1, True)
    api.put("vhosts/w")
    assert [each for each in api.get("topology/w").json["edges"] if each["kind"] == "publish"] == []


def test_of_too_many_queues_the_busiest_are_told(api: Api) -> None:
    build(api)
    peer = api.node.open()
    for number in range(20):
        peer.declare(f"idle{number}")
    peer.publish(b"x", routing_key="jobs")
    peer.consume("other")
    body = api.get("topology/%2F?queues_max=1").json
    assert [node["name"] for node in body["nodes"] if node["kind"] == "queue"] == ["jobs"]
    assert body["left_out"] == {
        "exchanges": 0,
        "queues": 21,
        "consumers": 1,
        "edges": 0,
        "publishers": 0,
    }
    assert body["truncated"] is True
    assert api.get("topology/%2F?queues_max=0").json["left_out"]["queues"] == 22


def test_what_is_too_much_is_counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    build(api)
    monkeypatch.setattr(module, "EXCHANGES_MAX", 1)
    monkeypatch.setattr(module, "EDGES_MAX", 0)
    peer = api.node.open()
    peer.consume()
    monkeypatch.setattr(module, "CONSUMERS_MAX", 0)
    left_out = api.get("topology/%2F").json["left_out"]
    assert left_out["exchanges"] > 1
    assert left_out["edges"] > 1
    assert left_out["consumers"] == 1


def test_a_queue_that_goes_meanwhile_does_no_harm(api: Api) -> None:
    build(api)
    peer = api.node.open()
    peer.send(commands.Queue.Delete, queue="jobs")
    assert ("queue other", "exchange ", "dead") in edges(api.get("topology/%2F").json)


def test_who_may_see_it(api: Api) -> None:
    api.add_user("eve", "management", vhosts=())
    assert api.get("topology/%2F", user="eve").status == 401
    assert api.get("topology/none").status == 404
    assert api.get("topology/%2F?queues_max=x").status == 400
