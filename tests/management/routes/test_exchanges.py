"""Exchanges, with RabbitMQ's answers."""

import pytest

from tests.support.management_api import Api

DIRECT = {"type": "direct", "durable": True}


def test_an_exchange_is_declared_and_deleted(api: Api) -> None:
    assert api.put("exchanges/%2F/a%2Fb%20c", DIRECT).status == 201
    assert api.put("exchanges/%2F/a%2Fb%20c", {**DIRECT, "durable": "true", "x": 1}).status == 204
    found = api.get("exchanges/%2F/a%2Fb%20c").json
    assert found.pop("message_stats")["publish_in"] == 0
    assert found == {
        "name": "a/b c",
        "vhost": "/",
        "type": "direct",
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
        "incoming": [],
        "outgoing": [],
    }
    assert api.delete("exchanges/%2F/a%2Fb%20c").status == 204
    assert api.delete("exchanges/%2F/a%2Fb%20c").status == 404
    assert api.get("exchanges/%2F/a%2Fb%20c").status == 404


def test_the_default_exchange_is_the_first_of_its_vhost(api: Api) -> None:
    names = [each["name"] for each in api.get("exchanges/%2F/").json]
    assert names[0] == ""
    assert {"amq.direct", "amq.topic"} < set(names)
    assert api.get("exchanges/%2F/amq.default").json["name"] == ""
    assert api.get("exchanges?columns=name&page=1&page_size=1").json["items"] == [{"name": ""}]


@pytest.mark.parametrize("body", [b"", b"null", b"{}", {"arguments": []}])
def test_a_declare_needs_nothing(api: Api, body: object) -> None:
    assert api.put("exchanges/%2F/x", body).status == 201
    found = api.get("exchanges/%2F/x?columns=type,durable").json
    assert found == {"type": "direct", "durable": False}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {"type": "fanout", "durable": True},
            (
                "inequivalent arg 'type' for exchange 'x' in vhost '/': "
                "received 'fanout' but current is 'direct'"
            ),
        ),
        ({"type": "bogus"}, "unknown exchange type 'bogus'"),
        ({"type": None}, "unknown exchange type 'null'"),
        ({"type": 5}, "type: expected a text"),
        ({**DIRECT, "durable": "troo"}, ["not_boolean", "troo"]),
        ({**DIRECT, "arguments": {"a": [{"b": None}]}}, "null_not_allowed"),
        ({**DIRECT, "arguments": "x"}, "arguments: expected an object"),
        (b"{bad", "not_json"),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: object) -> None:
    assert api.put("exchanges/%2F/x", DIRECT).status == 201
    reply = api.put("exchanges/%2F/x", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


@pytest.mark.parametrize("name", ["amq.mine", "amq.default"])
def test_reserved_names(api: Api, name: str) -> None:
    for reply in (api.put(f"exchanges/%2F/{name}", DIRECT),):
        assert reply.status == 401
        assert reply.json == {"error": "not_authorised", "reason": "Access refused."}
    assert api.delete("exchanges/%2F/amq.direct").status == 401


def test_no_vhost(api: Api) -> None:
    reply = api.put("exchanges/nope/x", DIRECT)
    assert (reply.status, reply.json["reason"]) == (404, "vhost_not_found")
    assert api.delete("exchanges/nope/x").status == 404
    assert api.get("exchanges/nope").status == 404


def test_only_if_unused(api: Api) -> None:
    api.put("exchanges/%2F/x", DIRECT)
    api.put("queues/%2F/q", {})
    api.post("bindings/%2F/e/x/q/q", {"routing_key": "k"})
    reply = api.delete("exchanges/%2F/x?if-unused=true")
    assert (reply.status, reply.json["reason"]) == (400, "exchange 'x' in vhost '/' in use")
    assert api.delete("exchanges/%2F/x?if-unused=false").status == 204


def test_the_rights_of_the_user(api: Api) -> None:
    api.add_user("eve", "management", vhosts=())
    assert api.put("exchanges/%2F/x", DIRECT, user="eve").status == 401
    assert api.get("exchanges", user="eve").json == []
    api.broker.users.set_permissions("eve", "/", "^own", "", "")
    assert api.put("exchanges/%2F/own", DIRECT, user="eve").status == 201
    assert api.put("exchanges/%2F/other", DIRECT, user="eve").json["reason"] == "Access refused."
    assert api.delete("exchanges/%2F/own", user="eve").status == 204


def test_names_that_are_no_text(api: Api) -> None:
    assert api.put("exchanges/%2F/%FF", DIRECT).status == 201
    assert api.get("exchanges/%2F/%FF").status == 200
    assert api.delete("exchanges/%2F/%FF").status == 204


def test_an_exchange_shows_how_many_keys_it_has(api: Api) -> None:
    arguments = {"x-cache-size": 10}
    api.put("exchanges/%2F/x", {"type": "x-message-deduplication", "arguments": arguments})
    api.put("queues/%2F/q", {})
    api.post("bindings/%2F/e/x/q/q", {})
    message = {
        "properties": {"headers": {"x-deduplication-header": "k"}},
        "routing_key": "",
        "payload": "m",
        "payload_encoding": "string",
    }
    routed = [api.post("exchanges/%2F/x/publish", message).json["routed"] for _ in range(3)]
    assert routed == [True, False, False]
    shown = api.get("exchanges/%2F/x").json
    assert shown["deduplication"].pop("memory_bytes") > 0
    assert shown["deduplication"] == {"keys": 1, "size": 10, "duplicates": 2}
    assert "deduplication" not in api.get("exchanges/%2F/amq.topic").json


def test_a_wrong_argument_is_refused_with_the_text_of_amqp(api: Api) -> None:
    refused = api.put("exchanges/%2F/x", {"type": "x-message-deduplication"})
    assert refused.status == 400
    assert "'x-cache-size' must be an integer greater than 0" in refused.json["reason"]
