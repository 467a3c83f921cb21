"""Every answer of a busy node, a node with alarms and a fresh one is of its shape, strictly."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from amqp_server.broker.alarms import Resource
from management.route_table import ROUTES
from management.routing.route import Route
from management.shapes import SHAPES
from tests.support.busy_api import Busy
from tests.support.management_api import Api
from tests.support.shape_check import faults

SAMPLES = (
    "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5"
    "&data_rates_age=60&data_rates_incr=5&node_stats_age=60&node_stats_incr=5"
)
QUERIES = ("", f"?{SAMPLES}", "?page=1", "?disable_stats=true&enable_queue_totals=true")
PATHS_MANY = 20
"""So many paths of a route show what it answers without its queries."""

WALKED = [
    route
    for route in ROUTES
    if route.method == "GET" and route.answer in SHAPES and route.media_type == "application/json"
]


def no_such_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


def faults_of(route: Route, body: Any, where: str) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Yield what is wrong with an answer."""
    if isinstance(body, dict) and "page_count" in body and route.is_list:
        yield from faults("page", body, where)
        body = body["items"]
    if route.is_list:
        assert isinstance(body, list), where
    for item in body if route.is_list else [body]:
        yield from faults(route.answer, item, where, is_partial="disable_stats" in where)


def walk(api: Api, route: Route, paths: Iterable[str]) -> tuple[int, list[str]]:
    """Ask for paths of a route; return how many answers had a body, and what is wrong with them."""
    found: list[str] = []
    count = 0
    each_path = list(paths)
    queries = QUERIES if len(each_path) < PATHS_MANY else QUERIES[:1]
    for path in each_path:
        for query in queries:
            reply = api.get(path + query)
            body = json.loads(reply.body, parse_constant=no_such_number)
            if reply.status == 200:
                count += 1
                found += faults_of(route, body, path + query)
            else:
                assert reply.status in {400, 404, 503}, (path, reply)
                assert {"error", "reason"} <= set(body) or "status" in body, (path, body)
    return count, found


@pytest.fixture(scope="module")
def busy() -> Iterator[tuple[Api, Busy]]:
    with Api() as api:
        yield api, Busy(api)


def path_of(route: Route) -> str:
    return route.path


@pytest.mark.parametrize("route", WALKED, ids=path_of)
def test_a_busy_node_answers_in_shape(busy: tuple[Api, Busy], route: Route) -> None:
    api, things = busy
    count, found = walk(api, route, things.paths(route.path))
    assert found == []
    assert count or "certificate" in route.path, "no path of it was answered"


@pytest.mark.parametrize("route", WALKED, ids=path_of)
def test_a_node_with_alarms_answers_in_shape(busy: tuple[Api, Busy], route: Route) -> None:
    api, things = busy
    alarms = api.broker.alarms
    for resource in Resource:
        alarms.set(resource, is_low=True, now_ms=api.node.now_ms)
    try:
        assert walk(api, route, things.paths(route.path))[1] == []
    finally:
        for resource in Resource:
            alarms.set(resource, is_low=False, now_ms=api.node.now_ms)


@pytest.mark.parametrize("route", [each for each in WALKED if "{" not in each.path], ids=path_of)
def test_a_fresh_node_answers_in_shape(route: Route) -> None:
    with Api() as api:
        assert walk(api, route, [route.path])[1] == []


def test_the_clock_may_be_far_off() -> None:
    with Api() as api:
        api.node.now_ms = (1 << 42) + 7  # 139 years
        api.node.end_turns()
        things = Busy(api)
        for route in WALKED:
            assert walk(api, route, things.paths(route.path))[1] == []


def test_the_check_finds_what_is_wrong() -> None:
    whole = {"name": "q", "vhost": "/"}
    assert list(faults("queue_name", whole)) == []
    assert list(faults("queue_name", whole, is_partial=True)) == []
    wrongs: tuple[object, ...] = (
        {"name": "q"},
        whole | {"more": 1},
        whole | {"name": None},
        whole | {"name": b"q"},
        [],
    )
    for wrong in wrongs:
        assert list(faults("queue_name", wrong)), wrong
    assert list(faults("queue_name", {}, is_partial=True)) == []
    sample = {"sample": 1, "timestamp": 2}
    for sample_of in (-1, 1.0, True, math.nan, 1 << 63, None, "1"):
        assert list(faults("sample", sample | {"sample": sample_of})), sample_of
    for rate in (math.nan, math.inf, None, True, "0"):
        assert list(faults("rate", {"rate": rate})), rate
    assert list(faults("rate", {"rate": 0.5, "samples": [sample | {"more": 1}]}))
    assert list(faults("stream_tracking", {"offsets": {"a": -1}, "writers": {}}))
    assert list(faults("binding", dict.fromkeys(SHAPES["binding"], "x")))
