"""Rights of users, with RabbitMQ's words."""

import pytest

from tests.support.management_api import Api

ALL = {"configure": ".*", "write": ".*", "read": ".*"}
TOPIC = {"exchange": "amq.topic", "write": "^a", "read": "^b"}


@pytest.fixture(autouse=True)
def eve(api: Api) -> None:
    api.put("users/eve", {"tags": "management", "password": "eve"})


def test_rights_are_given_and_taken(api: Api) -> None:
    assert api.put("permissions/%2F/eve", ALL).status == 201
    assert api.put("permissions/%2F/eve", {**ALL, "extra": 1, "configure": ""}).status == 204
    held = {"user": "eve", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}
    assert api.get("permissions/%2F/eve").json == held
    assert api.get("users/eve/permissions").json == [held]
    assert held in api.get("vhosts/%2F/permissions").json
    assert held in api.get("permissions/").json
    assert api.delete("permissions/%2F/eve").status == 204
    assert api.delete("permissions/%2F/eve").status == 404
    assert api.get("permissions/%2F/eve").status == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,configure},{key_missing,write},{key_missing,read}]"),
        ({"configure": "", "write": ""}, "[{key_missing,read}]"),
        (b"{bad", "not_json"),
        ({**ALL, "read": "("}, ["invalid_regexp", "(", ["missing closing parenthesis", 1]]),
        ({**ALL, "read": 5}, "read: expected a text"),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: object) -> None:
    reply = api.put("permissions/%2F/eve", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


@pytest.mark.parametrize("path", ["nope/eve", "%2F/nope", "nope/nope"])
def test_nobody_and_nowhere(api: Api, path: str) -> None:
    for what, body in (("permissions", ALL), ("topic-permissions", TOPIC)):
        reply = api.put(f"{what}/{path}", body)
        assert (reply.status, reply.json["reason"]) == (400, "vhost_or_user_not_found")
        assert api.delete(f"{what}/{path}").status == 404


def test_lists_of_nobody_and_nowhere_are_404(api: Api) -> None:
    for what in ("permissions", "topic-permissions"):
        assert api.get(f"users/nope/{what}").status == 404
        assert api.get(f"vhosts/nope/{what}").status == 404


def test_routing_keys(api: Api) -> None:
    assert api.put("topic-permissions/%2F/eve", TOPIC).status == 201
    assert api.put("topic-permissions/%2F/eve", TOPIC).status == 204
    assert api.put("topic-permissions/%2F/eve", {**TOPIC, "exchange": "x"}).status == 201
    held = {"user": "eve", "vhost": "/", **TOPIC}
    assert api.get("topic-permissions/%2F/eve").json == [held, {**held, "exchange": "x"}]
    assert held in api.get("topic-permissions").json
    assert held in api.get("users/eve/topic-permissions").json
    assert held in api.get("vhosts/%2F/topic-permissions").json
    for _ in range(2):
        assert api.delete("topic-permissions/%2F/eve/amq.topic").status == 204
    assert api.get("topic-permissions/%2F/eve").json == [{**held, "exchange": "x"}]
    assert api.delete("topic-permissions/%2F/eve").status == 204
    assert api.delete("topic-permissions/%2F/eve").status == 404
    assert api.get("topic-permissions/%2F/eve").status == 404
