"""Policies and operator policies, with RabbitMQ's answers."""

import pytest

from tests.support.management_api import Api

SHORT = {"pattern": "^z", "definition": {"max-length": 5}, "priority": 1, "apply-to": "queues"}


@pytest.mark.parametrize("path", ["policies", "operator-policies"])
def test_a_policy_is_made_shown_and_deleted(api: Api, path: str) -> None:
    assert api.put(f"{path}/%2F/p", SHORT).status == 201
    assert api.put(f"{path}/%2F/p", {**SHORT, "priority": 2.0}).status == 204
    held = {"vhost": "/", "name": "p", **SHORT, "priority": 2}
    assert api.get(f"{path}/%2F/p").json == held
    assert api.get(path).json == api.get(f"{path}/%2F").json == [held]
    assert api.get(f"{path}?columns=name").json == [{"name": "p"}]
    assert api.delete(f"{path}/%2F/p").status == 204
    for reply in (api.delete(f"{path}/%2F/p"), api.get(f"{path}/%2F/p"), api.get(f"{path}/no")):
        assert reply.status == 404
    assert api.put(f"{path}/nope/p", SHORT).json["reason"] == "vhost_not_found"


def test_it_applies_at_once(api: Api) -> None:
    api.put("queues/%2F/zebra", {"durable": True})
    api.put("policies/%2F/p", SHORT)
    api.put("operator-policies/%2F/o", {**SHORT, "definition": {"max-length": 3}})
    found = api.get("queues/%2F/zebra").json
    assert (found["policy"], found["operator_policy"]) == ("p", "o")
    assert found["effective_policy_definition"] == {"max-length": 3}
    api.delete("policies/%2F/p")
    assert api.get("queues/%2F/zebra").json["policy"] is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,pattern},{key_missing,definition}]"),
        (b"[]", "not_json"),
        ({**SHORT, "pattern": 5}, "Validation failed\n\npattern should be a binary but was 5\n"),
        (
            {**SHORT, "priority": "5"},
            'Validation failed\n\npriority should be a number, actually was <<"5">>\n',
        ),
        (
            {**SHORT, "priority": 1.5},
            'Validation failed\n\npriority should be a number, actually was <<"1.5">>\n',
        ),
        (
            {**SHORT, "priority": None},
            "Validation failed\n\npriority should be a number, actually was null\n",
        ),
        ({**SHORT, "definition": {}}, "Validation failed\n\nno policy provided\n"),
        ({**SHORT, "definition": []}, "Validation failed\n\ndefinition should be an object\n"),
        (
            {**SHORT, "definition": {"max-length": -1}},
            "Validation failed\n\n-1 is not a valid maximum length\n",
        ),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: str) -> None:
    reply = api.put("policies/%2F/p", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


def test_a_wrong_scope_and_a_wrong_pattern_are_told(api: Api) -> None:
    for wrong, word in (({"apply-to": "bogus"}, "apply-to 'bogus'"), ({"pattern": "("}, "pattern")):
        reason = api.put("policies/%2F/p", {**SHORT, **wrong}).json["reason"]
        assert reason.startswith(f"Validation failed\n\n{word}")


def test_an_operator_policy_needs_the_type_of_its_body(api: Api) -> None:
    plain = {"content-type": "text/plain"}
    assert api.put("operator-policies/%2F/p", SHORT, headers=plain).status == 415
    assert api.put("policies/%2F/p", SHORT, headers=plain).status == 201
