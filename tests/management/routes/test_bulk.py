"""Many queues are deleted or purged by one request, and a dry run says what is lost."""

from typing import Any

import pytest
from pamqp import commands

from management.routes import bulk
from tests.support.management_api import Api


def declare(api: Api, *names: str, messages: int = 0, **properties: object) -> None:
    for name in names:
        api.put(f"queues/%2F/{name}", {"durable": True, **properties})
        for number in range(messages):
            body = {"routing_key": name, "properties": {}, "payload": str(number)}
            api.post("exchanges/%2F/amq.default/publish", {**body, "payload_encoding": "string"})


def asked(api: Api, action: str, **body: object) -> Any:  # noqa: ANN401 -- JSON is anything
    reply = api.post("queues/bulk", {"action": action, "vhost": "/", **body})
    assert reply.status == 200, reply
    return reply.json


def names(api: Api) -> list[str]:
    return [each["name"] for each in api.get("queues").json]


def test_a_dry_run_says_what_would_be_lost_and_does_nothing(api: Api) -> None:
    declare(api, "tmp.a", "tmp.b", messages=2)
    declare(api, "keep", messages=1)
    client = api.node.open()
    client.send(commands.Basic.Qos, prefetch_count=1)
    client.send(commands.Basic.Consume, queue="tmp.a", consumer_tag="t")
    client.receive()
    assert asked(api, "delete", filter="^tmp", dry_run=True) == {
        "action": "delete",
        "vhost": "/",
        "dry_run": True,
        "matched": 2,
        "gave_up": 0,
        "messages": 4,
        "consumers": 1,
        "queues": [
            {"name": "tmp.a", "messages": 2, "consumers": 1, "outcome": "would be done"},
            {"name": "tmp.b", "messages": 2, "consumers": 0, "outcome": "would be done"},
        ],
        "next": None,
    }
    purge = asked(api, "purge", filter="^tmp", dry_run=True)
    assert (purge["messages"], purge["consumers"]) == (3, 0), "unacked ones stay"
    assert names(api) == ["keep", "tmp.a", "tmp.b"]
    assert api.get("queues/%2F/tmp.b").json["messages"] == 2


def test_queues_are_deleted_by_a_pattern(api: Api) -> None:
    declare(api, "tmp.a", "tmp.b", "keep", messages=1)
    done = asked(api, "delete", filter=r"^tmp\.")
    assert (done["matched"], done["messages"], done["next"]) == (2, 2, None)
    assert [each["outcome"] for each in done["queues"]] == ["done", "done"]
    assert names(api) == ["keep"]


def test_queues_are_purged_by_their_names(api: Api) -> None:
    declare(api, "a", "b", "c", messages=2)
    done = asked(api, "purge", names=["b", "a", "b"])
    assert [(each["name"], each["messages"]) for each in done["queues"]] == [("b", 2), ("a", 2)]
    left = {each["name"]: each["messages"] for each in api.get("queues").json}
    assert left == {"a": 0, "b": 0, "c": 2}


def test_each_refusal_is_told_and_the_others_are_done(api: Api) -> None:
    declare(api, "a", messages=1)
    declare(api, "s", arguments={"x-queue-type": "stream"})
    client = api.node.open()
    client.declare("mine", exclusive=True)
    done = asked(api, "purge", names=["nope", "s", "mine", "a"])
    rows = {each["name"]: each for each in done["queues"]}
    assert {name: each["outcome"] for name, each in rows.items()} == {
        "nope": "refused",
        "s": "refused",
        "mine": "refused",
        "a": "done",
    }
    assert rows["nope"]["reason"] == "no queue 'nope' in vhost '/'"
    assert "exclusive access to locked queue 'mine'" in rows["mine"]["reason"]
    assert done["messages"] == 1


def test_it_needs_the_rights_of_each_queue(api: Api) -> None:
    declare(api, "mine", "theirs")
    api.add_user("eve", "management")
    api.broker.users.set_permissions("eve", "/", "^mine$", "", "")
    body = {"action": "delete", "vhost": "/", "names": ["mine", "theirs"]}
    rows = api.post("queues/bulk", body, user="eve").json["queues"]
    assert [each["outcome"] for each in rows] == ["done", "refused"]
    assert "access to queue 'theirs' in vhost '/' refused" in rows[1]["reason"]
    api.add_user("out", "management", vhosts=())
    assert api.post("queues/bulk", body, user="out").status == 401
    assert names(api) == ["theirs"]


def test_more_than_one_request_takes_go_on_behind_the_last(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BULK_MAX", 2)
    declare(api, "a", "b", "c")
    first = asked(api, "purge", filter=".*")
    assert (first["matched"], len(first["queues"]), first["next"]) == (3, 2, "b")
    rest = asked(api, "purge", filter=".*", after=first["next"])
    assert [each["name"] for each in rest["queues"]] == ["c"]
    assert rest["next"] is None
    body = {"action": "purge", "vhost": "/", "names": ["a", "b", "c"]}
    assert api.post("queues/bulk", body).status == 400


def test_what_there_is_no_time_for_is_left(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BULK_MS", 0)
    declare(api, "a", "b")
    done = asked(api, "delete", names=["a", "b"])
    assert [each["outcome"] for each in done["queues"]] == ["left", "left"]
    assert asked(api, "delete", filter=".*")["next"] == ""
    assert names(api) == ["a", "b"]


def test_a_pattern_that_takes_too_long_finds_nothing(api: Api) -> None:
    declare(api, "a" * 40)
    done = asked(api, "delete", filter="(a+)+$(?<=b)")
    assert (done["matched"], done["gave_up"]) == (0, 1)
    assert len(names(api)) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,action}]"),
        ({"action": "delete"}, "[{key_missing,vhost}]"),
        (
            {"action": "delete", "vhost": "/", "filter": ".*", "dryrun": True},
            ["unknown", "dryrun"],
        ),
        ({"action": "drop", "vhost": "/"}, "action: expected delete or purge"),
        ({"action": "purge", "vhost": "/"}, "expected either names or a filter"),
        (
            {"action": "purge", "vhost": "/", "names": [], "filter": "a"},
            "expected either names or a filter",
        ),
        ({"action": "purge", "vhost": "/", "names": "a"}, "names: expected a list of names"),
        ({"action": "purge", "vhost": "/", "names": [1]}, "names: expected a list of names"),
        (
            {"action": "purge", "vhost": "/", "names": list(map(str, range(1001)))},
            "names: expected at most 1000",
        ),
        (
            {"action": "purge", "vhost": "/", "filter": ""},
            "filter: expected a pattern; .* is every queue",
        ),
        (
            {"action": "purge", "vhost": "/", "names": ["a"], "dry_run": "maybe"},
            ["not_boolean", "maybe"],
        ),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, body: dict[str, Any], reason: object) -> None:
    reply = api.post("queues/bulk", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


def test_a_pattern_that_is_none_and_a_vhost_that_is_not_there(api: Api) -> None:
    bad = api.post("queues/bulk", {"action": "purge", "vhost": "/", "filter": "("})
    assert (bad.status, bad.json["reason"].startswith("filter: ")) == (400, True)
    reply = api.post("queues/bulk", {"action": "purge", "vhost": "nope", "names": []})
    assert (reply.status, reply.json["reason"]) == (404, "vhost_not_found")


def test_a_vhost_of_this_name_still_has_its_list(api: Api) -> None:
    api.put("vhosts/bulk")
    assert api.get("queues/bulk").json == []
    assert api.get("queues/bulk?page=1").json["total_count"] == 0
