"""Messages are moved by jobs, which are shown and ended."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from management.http.request import Request
from tests.support.fake_cluster import FakeCluster
from tests.support.joined_apis import A, B, Joined, joined_apis
from tests.support.management_api import Api

MOVE = "queues/%2F/q/move"


@pytest.fixture(autouse=True)
def queues(api: Api) -> None:
    for name in ("q", "other"):
        api.put(f"queues/%2F/{name}", {})
    client = api.node.open()
    client.publish(b"1", b"2", b"3", routing_key="q")


def counts(api: Api) -> tuple[Any, Any]:
    return (
        api.get("queues/%2F/q").json["messages"],
        api.get("queues/%2F/other").json["messages"],
    )


def test_messages_move(api: Api) -> None:
    begun = api.post(MOVE, {"dest": "other", "count": 2})
    assert begun.status == 200
    number = begun.json["id"]
    job = api.get(f"jobs/{number}").json
    assert job == {
        "id": number,
        "node": api.management.services.identity.node,
        "vhost": "/",
        "source": "q",
        "dest": "other",
        "copy": False,
        "user": "guest",
        "state": "done",
        "total": 2,
        "moved": 2,
        "skipped": 0,
        "unmatched": 0,
        "started_at": job["started_at"],
    }
    assert api.get("jobs").json == [job]
    assert counts(api) == (1, 2)
    assert api.delete(f"jobs/{number}").status == 204
    assert api.get(f"jobs/{number}").json["state"] == "done"


def test_messages_are_copied_by_a_filter(api: Api) -> None:
    api.post(MOVE, {"dest": "other", "copy": True, "filter": {"regexp": "[23]"}})
    (job,) = api.get("jobs").json
    assert (job["moved"], job["skipped"], counts(api)) == (2, 1, (3, 2))


def test_messages_are_moved_by_a_filter_and_at_a_rate(api: Api) -> None:
    begun = api.post(MOVE, {"dest": "other", "rate": 2, "filter": {"regexp": "[23]"}})
    assert (begun.json["rate"], begun.json["state"]) == (2, "running")

    async def wait() -> None:
        api.node.advance(1_600)

    api._runner.run(wait())
    (job,) = api.get("jobs").json
    assert (job["state"], job["moved"], job["unmatched"], job["skipped"]) == ("done", 2, 1, 1)
    assert counts(api) == (1, 2)


def test_who_never_died_stays(api: Api) -> None:
    api.post(MOVE, {"dest": "origin"})
    (job,) = api.get("jobs").json
    assert (job["state"], job["moved"], job["skipped"], counts(api)) == ("done", 0, 3, (3, 0))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"dest": "q"}, 400),
        ({"dest": "nowhere"}, 404),
        ({"dest": "other", "count": -1}, 400),
        ({"dest": "other", "filter": {"regexp": "("}}, 400),
        ({"dest": "other", "rate": 0}, 400),
        ({"dest": "other", "rate": 1_000_001}, 400),
        ({"dest": "other", "rate": "fast"}, 400),
        ({"dest": 5}, 400),
    ],
)
def test_what_cannot_be_moved(api: Api, body: object, status: int) -> None:
    assert api.post(MOVE, body).status == status
    assert counts(api) == (3, 0)


def test_a_stream_is_only_copied(api: Api) -> None:
    api.put("queues/%2F/s", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    api.node.open().publish(b"1", b"2", routing_key="s")
    assert api.post("queues/%2F/s/move", {"dest": "other"}).status == 400
    assert api.post("queues/%2F/s/move", {"dest": "other", "copy": True}).status == 200
    assert counts(api) == (3, 2)


def test_rights_are_those_of_a_client(api: Api) -> None:
    api.add_user("ann", "management")
    api.broker.users.set_permissions("ann", "/", ".*", ".*", "^other$")
    assert api.post(MOVE, {"dest": "other"}, user="ann").status == 401
    api.broker.users.set_permissions("ann", "/", ".*", "^other$", ".*")
    assert api.post(MOVE, {"dest": "other"}, user="ann").status == 401
    api.broker.users.set_permissions("ann", "/", ".*", ".*", ".*")
    api.add_user("bob", "management")
    number = api.post(MOVE, {"dest": "other"}, user="ann").json["id"]
    assert api.get("jobs", user="bob").json == []
    assert api.get(f"jobs/{number}", user="bob").status == 404
    assert api.delete(f"jobs/{number}", user="bob").status == 401
    assert len(api.get("jobs").json) == 1
    assert api.delete(f"jobs/{number}").status == 204
    assert api.delete("jobs/99").status == api.delete("jobs/x").status == 404


def test_who_runs_the_node_needs_no_rights(api: Api) -> None:
    body = json.dumps({"dest": "other"}).encode()
    begun = api.send(Request("POST", f"/api/{MOVE}", body=body, address="", uid=os.geteuid()))
    assert (begun.status, counts(api)) == (200, (0, 3))
    assert api.get("jobs").json[0]["user"] == "operator"


def test_a_job_stands_still_and_goes_on(api: Api) -> None:
    number = api.post(MOVE, {"dest": "other", "rate": 1}).json["id"]
    paused = api.put(f"jobs/{number}/pause", {})
    assert (paused.status, paused.json["state"]) == (200, "paused")

    async def wait() -> None:
        api.node.advance(10_000)

    api._runner.run(wait())
    assert counts(api) == (2, 1)
    assert api.put(f"jobs/{number}/resume", {}).json["state"] == "running"
    api._runner.run(wait())
    assert (api.get(f"jobs/{number}").json["state"], counts(api)) == ("done", (0, 3))
    over = api.put(f"jobs/{number}/pause", {})
    assert (over.status, over.json["reason"]) == (409, f"job {number} is done already")
    assert api.put("jobs/99/pause", {}).status == 404
    assert api.put("jobs/x/resume", {}).status == 404


# ── in a cluster ──


@pytest.fixture
def joined() -> Iterator[Joined]:
    with joined_apis() as found:
        for number, api in enumerate((found.a, found.b), start=7):
            cluster = api.broker.cluster
            assert isinstance(cluster, FakeCluster)
            cluster.whole = cluster.whole._replace(incarnation=number)
        yield found


def test_a_job_is_begun_shown_and_driven_from_any_node(joined: Joined) -> None:
    joined.b.node.open().publish(*[b"x"] * 30, routing_key="jobs")
    begun = joined.a.post("queues/%2F/jobs/move", {"dest": "votes", "rate": 10})
    assert (begun.status, begun.json["node"], begun.json["id"]) == (200, B, 8_000_001)
    own = joined.a.post("queues/%2F/votes/move", {"dest": "jobs"}).json
    assert (own["node"], own["id"]) == (A, 7_000_001)
    for api in (joined.a, joined.b):
        assert {each["id"] for each in api.get("jobs").json} == {7_000_001, 8_000_001}
        assert api.get("jobs/8000001").json["node"] == B
    assert joined.a.put("jobs/8000001/pause").json["state"] == "paused"
    assert joined.b.get("jobs/8000001").json["state"] == "paused"
    assert joined.a.put("jobs/8000001/resume").json["state"] == "running"
    assert joined.a.delete("jobs/8000001").status == 204
    assert joined.b.get("jobs/8000001").json["state"] == "cancelled"
    assert joined.a.put("jobs/8000001/pause").status == 409
    assert joined.a.delete("jobs/9000001").status == 404


def test_rights_on_jobs_are_the_same_on_each_node(joined: Joined) -> None:
    for api in (joined.a, joined.b):
        api.add_user("eve", "management")
        api.add_user("bob", "management")
    joined.b.node.open().publish(*[b"x"] * 30, routing_key="jobs")
    number = joined.a.post("queues/%2F/jobs/move", {"dest": "votes", "rate": 1}, user="eve").json[
        "id"
    ]
    assert [each["id"] for each in joined.a.get("jobs", user="eve").json] == [number]
    assert joined.a.get("jobs", user="bob").json == []
    assert joined.a.get(f"jobs/{number}", user="bob").status == 404
    assert joined.a.put(f"jobs/{number}/pause", user="bob").status == 401
    assert joined.a.delete(f"jobs/{number}", user="bob").status == 401
    assert joined.a.delete(f"jobs/{number}", user="guest").status == 204


def test_a_job_ends_with_its_node_and_says_so(joined: Joined) -> None:
    joined.b.node.open().publish(*[b"x"] * 30, routing_key="jobs")
    number = joined.a.post("queues/%2F/jobs/move", {"dest": "votes", "rate": 1}).json["id"]
    assert joined.a.get(f"jobs/{number}").json["state"] == "running"
    joined.peers.is_gone = True
    assert joined.a.get(f"jobs/{number}").json["state"] == "running", "it may be late"
    cluster = joined.a.broker.cluster
    assert isinstance(cluster, FakeCluster)
    cluster.stop(B)
    (job,) = joined.a.get("jobs").json
    assert (job["state"], B in job["error"]) == ("failed", True)
    assert joined.a.get(f"jobs/{number}").json == job
