"""A queue is saved as a file, look by look, and nothing in it changes."""

import json
from urllib.parse import quote

import pytest

from management.routes import exporting as module
from tests.support.management_api import Api

EXPORT = "queues/%2F/q/messages/export"


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_COUNT", 7)
    monkeypatch.setattr(module, "SCAN_COUNT", 5)


def fill(api: Api, arguments: dict[str, str]) -> None:
    api.put("queues/%2F/q", {"durable": True, "arguments": arguments})
    api.node.open().publish(*[b'{"n": %d}' % number for number in range(50)], routing_key="q")


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}, {"x-queue-type": "stream"}])
def test_all_messages_are_saved_and_stay(api: Api, arguments: dict[str, str]) -> None:
    fill(api, arguments)
    saved = api.call("GET", f"/api/{EXPORT}")
    assert saved.status == 200
    lines = saved.body.decode().split("\r\n")
    assert lines[0].startswith("position,place,")
    assert len(lines) == 52
    assert api.get("queues/%2F/q").json["messages"] == 50
    found = api.call("GET", f"/api/{EXPORT}?format=jsonl&count=10").body.splitlines()
    assert [json.loads(json.loads(line)["payload"])["n"] for line in found] == list(range(10))


def test_a_filter_chooses_over_many_looks(api: Api) -> None:
    fill(api, {})
    chosen = quote(json.dumps({"jsonpath": "$.n >= 40"}))
    found = api.call("GET", f"/api/{EXPORT}?format=jsonl&filter={chosen}").body.splitlines()
    assert len(found) == 10


@pytest.mark.parametrize(
    "query",
    ["format=xml", "filter=x", "filter=[1]", "count=-1", "count=x", "filter=%7B%22a%22:1%7D"],
)
def test_what_is_no_request_is_refused(api: Api, query: str) -> None:
    fill(api, {})
    assert api.call("GET", f"/api/{EXPORT}?{query}").status == 400


def test_a_queue_that_is_not_there(api: Api) -> None:
    assert api.call("GET", "/api/queues/%2F/none/messages/export").status == 404


@pytest.mark.parametrize(
    ("queue", "plain", "whole"),
    [
        ("orders.created", "orders.created", "orders.created"),
        ("a/b\\c:d", "a_b_c_d", "a_b_c_d"),
        ('"; filename="x.exe', "__ filename=_x.exe", "_%3B%20filename%3D_x.exe"),
        (". .", "queue", "queue"),
        ("größe", "gr__e", "gr%C3%B6%C3%9Fe"),
        ("\u202egnp.exe", "_gnp.exe", "_gnp.exe"),
        ("x" * 255, "x" * 60, "x" * 60),
    ],
)
def test_a_file_is_named_after_its_queue(api: Api, queue: str, plain: str, whole: str) -> None:
    path = f"queues/%2F/{quote(queue, safe='')}"
    api.put(path, {})
    saved = api.call("GET", f"/api/{path}/messages/export?format=jsonl")
    told = saved.headers["content-disposition"]
    assert told == (f"attachment; filename=\"{plain}.jsonl\"; filename*=UTF-8''{whole}.jsonl")


def test_no_message_is_wanted_where_one_only_asks_whether_it_may(api: Api) -> None:
    fill(api, {})
    assert api.call("GET", f"/api/{EXPORT}?format=jsonl&count=0").body == b""
    wrong = quote(json.dumps({"jsonpath": "$.["}))
    assert api.call("GET", f"/api/{EXPORT}?count=0&filter={wrong}").status == 400
