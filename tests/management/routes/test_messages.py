"""Publish and get, with RabbitMQ's answers."""

from typing import Any

import pytest

from tests.support.management_api import Api

HELLO: dict[str, Any] = {
    "routing_key": "q",
    "properties": {},
    "payload": "hello",
    "payload_encoding": "string",
}
ONE: dict[str, Any] = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
DEFAULT = "exchanges/%2F/amq.default/publish"


@pytest.fixture(autouse=True)
def queue(api: Api) -> None:
    api.put("queues/%2F/q", {"durable": True})


def test_a_message_goes_in_and_is_looked_at(api: Api) -> None:
    assert api.post(DEFAULT, HELLO).json == {"routed": True}
    assert api.post(DEFAULT, {**HELLO, "routing_key": "nowhere"}).json == {"routed": False}
    shown = {
        "payload_bytes": 5,
        "redelivered": False,
        "exchange": "",
        "routing_key": "q",
        "message_count": 0,
        "properties": [],
        "payload": "hello",
        "payload_encoding": "string",
    }
    assert api.post("queues/%2F/q/get", ONE).json == [shown]
    shown["redelivered"] = True
    assert api.post("queues/%2F/q/get", {**ONE, "count": "5"}).json == [shown]
    gone = {**ONE, "ackmode": "ack_requeue_false", "truncate": 2, "count": -1}
    assert api.post("queues/%2F/q/get", gone).json[0]["payload"] == "he"
    assert api.post("queues/%2F/q/get", ONE).json == []


def test_octets_travel_in_base64(api: Api) -> None:
    api.post(DEFAULT, {**HELLO, "payload": "AAH/", "payload_encoding": "base64"})
    found = api.post("queues/%2F/q/get", ONE).json[0]
    assert (found["payload"], found["payload_encoding"], found["payload_bytes"]) == (
        "AAH/",
        "base64",
        3,
    )
    api.delete("queues/%2F/q/contents")
    api.post(DEFAULT, HELLO)
    found = api.post("queues/%2F/q/get", {**ONE, "encoding": "base64"}).json[0]
    assert (found["payload"], found["payload_encoding"]) == ("aGVsbG8=", "base64")


def test_properties_come_back(api: Api) -> None:
    given = {
        "content_type": "t",
        "delivery_mode": 2,
        "priority": 5,
        "timestamp": 1767323045,
        "headers": {"a": 1, "b": 2.5, "c": "s", "d": [1, "x"], "e": {"f": True}},
    }
    api.post(DEFAULT, {**HELLO, "properties": {**given, "unknown": 1}})
    assert api.post("queues/%2F/q/get", ONE).json[0]["properties"] == given


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {},
            (
                "[{key_missing,routing_key},\n {key_missing,properties},\n {key_missing,payload},\n"
                " {key_missing,payload_encoding}]"
            ),
        ),
        ({**HELLO, "payload": "!!", "payload_encoding": "base64"}, ["not_base64", "!!"]),
        ({**HELLO, "payload_encoding": "bogus"}, ["unsupported_encoding", "bogus"]),
        ({**HELLO, "payload": 5}, "payload_not_string"),
        ({**HELLO, "properties": {"delivery_mode": "2"}}, ["not_int", "delivery_mode"]),
        ({**HELLO, "properties": {"expiration": 60000}}, ["not_string", "expiration"]),
        ({**HELLO, "properties": {"headers": {"a": None}}}, "null_not_allowed"),
        (
            {**HELLO, "properties": {"delivery_mode": 3}},
            "406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,3}",
        ),
        (
            {**HELLO, "properties": {"user_id": "other"}},
            (
                "406 PRECONDITION_FAILED - user_id property set to 'other' "
                "but authenticated user was 'guest'"
            ),
        ),
        (b"{bad", "not_json"),
    ],
)
def test_what_cannot_be_published(api: Api, body: object, reason: object) -> None:
    reply = api.post(DEFAULT, body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,ackmode},{key_missing,count},{key_missing,encoding}]"),
        ({**ONE, "count": "abc"}, ["not_integer", "abc"]),
        ({**ONE, "count": True}, ["not_integer", True]),
        ({**ONE, "encoding": "bogus"}, "Unsupported encoding. Please use auto or base64."),
        ({**ONE, "encoding": ["auto"]}, "Unsupported encoding. Please use auto or base64."),
        ({**ONE, "truncate": "x"}, ["not_integer", "x"]),
        ({**ONE, "truncate": -1}, "truncate: expected a number of octets, 0 or more"),
        (
            {**ONE, "ackmode": "bogus"},
            (
                "ackmode: expected one of ack_requeue_false, ack_requeue_true, "
                "reject_requeue_false, reject_requeue_true"
            ),
        ),
    ],
)
def test_what_cannot_be_got(api: Api, body: object, reason: object) -> None:
    reply = api.post("queues/%2F/q/get", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


def test_nobody_and_nowhere(api: Api) -> None:
    reply = api.post("queues/%2F/nope/get", ONE)
    reason = "NOT_FOUND - no queue 'nope' in vhost '/'"
    assert (reply.status, reply.json["reason"]) == (404, reason)
    reply = api.post("exchanges/%2F/nope/publish", HELLO)
    reason = "404 NOT_FOUND - no exchange 'nope' in vhost '/'"
    assert (reply.status, reply.json["reason"]) == (400, reason)
    for path, body in (("queues/nope/q/get", ONE), ("exchanges/nope/x/publish", HELLO)):
        reply = api.post(path, body)
        assert (reply.status, reply.json["reason"]) == (401, "Access refused.")


def test_the_old_word_for_the_ackmode(api: Api) -> None:
    api.post(DEFAULT, HELLO)
    body = {"count": 1, "requeue": True, "encoding": "auto"}
    assert len(api.post("queues/%2F/q/get", body).json) == 1
    assert len(api.post("queues/%2F/q/get", {**body, "requeue": "false"}).json) == 1
    assert api.post("queues/%2F/q/get", body).json == []


def test_a_full_queue_refuses(api: Api) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    api.put("queues/%2F/full", {"arguments": full})
    body = {**HELLO, "routing_key": "full"}
    assert api.post(DEFAULT, body).json == {"routed": True}
    reply = api.post(DEFAULT, body)
    reason = "rejected Unable to publish message. Check queue limits."
    assert (reply.status, reply.json["reason"]) == (400, reason)


def test_the_rights_of_the_user(api: Api) -> None:
    api.add_user("eve", "management", vhosts=())
    api.broker.users.set_permissions("eve", "/", "", "", "")
    reply = api.post("queues/%2F/q/get", ONE, user="eve")
    reason = "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'eve'"
    assert (reply.status, reply.json["reason"]) == (401, reason)
    reply = api.post("exchanges/%2F/amq.direct/publish", HELLO, user="eve")
    denied = "write access to exchange 'amq.direct' in vhost '/' refused for user 'eve'"
    reason = f"403 ACCESS_REFUSED - {denied}"
    assert (reply.status, reply.json["reason"]) == (400, reason)
