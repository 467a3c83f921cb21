"""Vhosts and their limits, with RabbitMQ's words."""

import pytest

from tests.support.management_api import Api


def test_a_vhost_is_made_described_and_deleted(api: Api) -> None:
    assert api.put("vhosts/w", {"description": "d", "tags": "a,b"}).status == 201
    assert api.put("vhosts/w", {"description": "d2", "tags": ["c", 1]}).status == 204
    vhost = api.get("vhosts/w").json
    assert (vhost["name"], vhost["description"], vhost["tags"]) == ("w", "d2", ["c", "1"])
    assert vhost["metadata"] == {"description": "d2", "tags": ["c", "1"]}
    assert (vhost["default_queue_type"], vhost["tracing"]) == ("undefined", False)
    assert list(vhost["cluster_state"].values()) == ["running"]
    assert api.delete("vhosts/w").status == 204
    assert api.delete("vhosts/w").json == {"error": "Object Not Found", "reason": "Not Found"}


def test_whoever_makes_a_vhost_may_use_it(api: Api) -> None:
    api.put("vhosts/w")
    assert api.get("permissions/w/guest").json["configure"] == ".*"


@pytest.mark.parametrize("body", [None, b"null", b"undefined", b"true", {}, {"unknown": 1}])
def test_nothing_need_be_said(api: Api, body: object) -> None:
    assert api.put("vhosts/w", body).status == 201


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "not_json"),
        (b"5", "not_json"),
        (b"{bad", "not_json"),
        ({"tracing": "yes"}, ["not_boolean", "yes"]),
        ({"protected_from_deletion": "yes"}, ["not_boolean", "yes"]),
        ({"default_queue_type": "bogus"}, "Unsupported default queue type 'bogus'"),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: object) -> None:
    reply = api.put("vhosts/w", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


@pytest.mark.parametrize("body", [{"tags": 5}, {"description": 5}, {"default_queue_type": [1]}])
def test_a_wrong_type_is_400(api: Api, body: object) -> None:
    assert api.put("vhosts/w", body).status == 400


def test_the_default_queue_type(api: Api) -> None:
    api.put("vhosts/w", {"default_queue_type": "quorum", "tracing": "false"})
    vhost = api.get("vhosts/w").json
    assert (vhost["default_queue_type"], vhost["metadata"]["default_queue_type"]) == (
        "quorum",
        "quorum",
    )


def test_tracing_is_switched_and_stays_as_it_is_where_nothing_is_said(api: Api) -> None:
    api.put("vhosts/w", {"tracing": True})
    api.put("vhosts/w", {"description": "d"})
    assert api.get("vhosts/w").json["tracing"] is True
    api.put("vhosts/w", {"tracing": "false"})
    assert api.get("vhosts/w").json["tracing"] is False
    api.post("definitions", {"vhosts": [{"name": "w", "tracing": True}]})
    assert api.get("vhosts/w").json["tracing"] is True


def test_who_sees_which(api: Api) -> None:
    api.put("vhosts/w")
    api.add_user("eve", "management")
    api.add_user("mon", "monitoring")
    assert [vhost["name"] for vhost in api.get("vhosts", user="eve").json] == ["/"]
    assert [vhost["name"] for vhost in api.get("vhosts", user="mon").json] == ["/", "w"]
    assert api.get("vhosts?page=2&page_size=1&columns=name").json["items"] == [{"name": "w"}]
    bad = api.get("vhosts?lengths_age=60&lengths_incr=0")
    assert (bad.status, bad.json["error"]) == (400, "invalid_range_parameters")


def test_a_vhost_that_there_is_runs(api: Api) -> None:
    node = api.management.services.identity.node
    assert api.post(f"vhosts/%2F/start/{node}").status == 204
    assert api.post("vhosts/%2F/start/none@nowhere").json["reason"] == (
        "Request to node none@nowhere failed with nodedown"
    )
    assert api.post(f"vhosts/nope/start/{node}").status == 400


def test_limits(api: Api) -> None:
    assert api.put("vhost-limits/%2F/max-queues", {"value": 10}).status == 204
    held = [{"vhost": "/", "value": {"max-queues": 10}}]
    assert api.get("vhost-limits").json == held
    assert api.get("vhost-limits/%2F").json == held
    api.put("vhosts/w")
    api.add_user("eve", "management", vhosts=("w",))
    assert api.get("vhost-limits", user="eve").json == []
    assert api.get("vhost-limits/%2F", user="eve").status == 401
    for _ in range(2):
        assert api.delete("vhost-limits/%2F/max-queues").status == 204
    assert api.get("vhost-limits/%2F").json == []


def test_limits_that_are_refused(api: Api) -> None:
    nowhere = api.put("vhost-limits/nope/max-queues", {"value": 1})
    assert nowhere.json == {"error": "not_found", "reason": "vhost_not_found"}
    assert api.put("vhost-limits/%2F/max-queues").status == 415
    assert api.put("vhost-limits/%2F/max-bogus", {"value": 1}).status == 400
    assert api.put("vhost-limits/%2F/max-queues", {"value": 1.5}).json["reason"] == (
        "Validation failed\n\nmax-queues should be a number, actually was 1.5\n"
    )
    assert api.delete("vhost-limits/nope/max-queues").status == 404
    assert api.get("vhost-limits/nope").status == 404


def test_a_protected_vhost_is_not_deleted(api: Api) -> None:
    api.put("vhosts/v", {})
    assert api.post("vhosts/v/deletion/protection").status == 204
    shown = api.get("vhosts/v").json
    assert shown["protected_from_deletion"] is True
    assert shown["metadata"]["protected_from_deletion"] is True
    reply = api.delete("vhosts/v")
    assert reply.status == 412
    assert reply.json == {
        "error": "precondition_failed",
        "reason": "Refusing to delete virtual host 'v' because it is protected from deletion",
    }
    # Who describes it anew says nothing of that.
    assert api.put("vhosts/v", {"description": "d"}).status == 204
    assert api.delete("vhosts/v").status == 412
    assert api.delete("vhosts/v/deletion/protection").status == 204
    assert api.delete("vhosts/v").status == 204


def test_protection_is_in_definitions_and_in_a_put(api: Api) -> None:
    assert api.put("vhosts/v", {"protected_from_deletion": True}).status == 201
    vhosts = api.get("definitions").json["vhosts"]
    shown = {vhost["name"]: vhost["metadata"] for vhost in vhosts}
    assert shown["v"]["protected_from_deletion"] is True
    assert "protected_from_deletion" not in shown["/"]
    api.put("vhosts/v", {"protected_from_deletion": False})
    document = {"vhosts": [{"name": "v", "metadata": {"protected_from_deletion": True}}]}
    assert api.post("definitions", document).status == 204
    assert api.delete("vhosts/v").status == 412


def test_there_is_no_protection_without_a_vhost(api: Api) -> None:
    for verb, reply in (
        ("enable", api.post("vhosts/nope/deletion/protection")),
        ("disable", api.delete("vhosts/nope/deletion/protection")),
    ):
        assert reply.status == 404
        text = f"Cannot {verb} deletion protection of virtual host 'nope' because it does not exist"
        assert reply.json["reason"] == text
