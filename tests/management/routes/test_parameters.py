"""Parameters, with RabbitMQ's answers."""

import pytest

from amqp_server.broker.admin import ParameterDefinition
from tests.support.management_api import Api


def test_the_limits_of_a_vhost_are_a_parameter(api: Api) -> None:
    path = "parameters/vhost-limits/%2F/limits"
    assert api.put(path, {"value": {"max-queues": 5}}).status == 201
    assert api.put(path, {"value": {"max-queues": 6}}).status == 204
    held = {
        "vhost": "/",
        "component": "vhost-limits",
        "name": "limits",
        "value": {"max-queues": 6},
    }
    assert api.get(path).json == held
    assert api.get("parameters").json == api.get("parameters/vhost-limits/%2F").json == [held]
    assert api.delete(path).status == 204
    assert api.delete(path).status == 404
    assert api.get("vhost-limits").json == []


def test_operator_policies_are_shown_and_not_set_here(api: Api) -> None:
    body = {"pattern": "^a", "definition": {"max-length": 1}}
    api.put("operator-policies/%2F/o", body)
    (found,) = api.get("parameters/operator_policy").json
    assert (found["name"], found["value"]["definition"]) == ("o", {"max-length": 1})
    assert api.get("parameters/policy").json == []
    for component in ("policy", "operator_policy"):
        reply = api.put(f"parameters/{component}/%2F/x", {"value": {}})
        assert reply.json["reason"] == "policies may not be set using this method"
    assert api.delete("parameters/operator_policy/%2F/o").status == 400


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        (
            "shovel/%2F/s",
            {"value": 1},
            400,
            "Validation failed\n\ns: the value of a shovel is an object\n",
        ),
        ("shovel/%2F/s", {}, 400, "[{key_missing,value}]"),
        ("shovel/nope/s", {"value": 1}, 404, "vhost_not_found"),
        (
            "vhost-limits/%2F/other",
            {"value": {}},
            400,
            "vhost-limits: expected the name limits",
        ),
    ],
)
def test_what_is_refused(api: Api, path: str, body: object, status: int, reason: str) -> None:
    reply = api.put(f"parameters/{path}", body)
    assert (reply.status, reply.json["reason"]) == (status, reason)


def test_what_was_imported_for_a_plugin_is_shown(api: Api) -> None:
    api.broker.set_parameter(ParameterDefinition("/", "shovel", "s", {"src-uri": "amqp://"}))
    held = {"vhost": "/", "component": "shovel", "name": "s", "value": {"src-uri": "amqp://"}}
    assert api.get("parameters/shovel/%2F/s").json == held
    assert api.get("parameters/shovel/nope").status == 404
    assert api.get("parameters/nope").json == []
    api.add_user("eve", "policymaker", vhosts=())
    assert api.get("parameters", user="eve").json == []
    assert api.delete("parameters/shovel/%2F/s").status == 204


def test_parameters_of_the_cluster(api: Api) -> None:
    assert api.put("global-parameters/g", {"value": {"a": [None, 1.5]}}).status == 201
    assert api.put("global-parameters/g", {"value": None, "name": "other"}).status == 204
    assert api.get("global-parameters/g").json == {"name": "g", "value": None}
    assert {"name": "g", "value": None} in api.get("global-parameters").json
    assert api.put("global-parameters/g", {}).json["reason"] == "[{key_missing,value}]"
    assert api.delete("global-parameters/g").status == 204
    assert api.delete("global-parameters/g").status == api.get("global-parameters/g").status == 404
