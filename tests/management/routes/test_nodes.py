"""The node and its memory."""

from urllib.parse import quote

from amqp_server.broker.views import LagView
from tests.support.management_api import Api


def test_the_node_is_the_only_one(api: Api) -> None:
    name = api.management.services.identity.node
    [listed] = api.get("nodes").json
    assert (listed["name"], listed["running"], listed["type"]) == (name, True, "disc")
    assert set(api.get(f"nodes/{name}").json) == set(listed)
    assert api.get("nodes/none@nowhere").status == 404
    assert api.get("nodes?columns=name").json == [{"name": name}]
    assert set(api.get(f"nodes/{name}?disable_stats=true").json) == {"name", "type", "running"}
    with_memory = api.get(f"nodes/{name}?memory=true&binary=true").json
    assert with_memory["memory"]["strategy"] == "rss"


def test_memory(api: Api) -> None:
    name = api.management.services.identity.node
    assert api.get(f"nodes/{name}/memory").json["memory"]["total"]["rss"] == 0
    assert api.get(f"nodes/{name}/memory/relative").json["memory"]["total"] == 100
    for path in ("ets", "ets/relative", "ets/management"):
        assert api.get(f"nodes/{name}/memory/{path}").json == {"ets_tables_memory": "no_tables"}
    assert api.get("nodes/none@nowhere/memory").status == 404


def test_samples_and_their_ranges(api: Api) -> None:
    query = "node_stats_age=60&node_stats_incr=5"
    [node] = api.get(f"nodes?{query}").json
    assert len(node["mem_used_details"]["samples"]) == 13
    assert api.get("nodes?lengths_age=60&lengths_incr=0").json["error"] == "bad_request"


def test_only_who_monitors_sees_it(api: Api) -> None:
    api.add_user("eve", "management")
    assert api.get("nodes", user="eve").json["reason"] == "Not monitor user"


def test_how_late_its_loop_was(api: Api) -> None:
    name = api.management.services.identity.node
    assert api.get(f"nodes/{name}/loop-lag").status == 503
    asked: list[int | None] = []

    def look(age_ms: int | None) -> LagView:
        asked.append(age_ms)
        return LagView(100, 60_000, (1_000, 10_000), (8, 2, 0), 21_000, 9_000)

    api.broker.look_at_lag = look
    body = api.get(f"nodes/{name}/loop-lag?age=60").json
    assert (body["node"], body["probes"], body["counts"]) == (name, 10, [8, 2, 0])
    assert (body["bounds_ms"], body["max_ms"]) == ([1.0, 10.0], 9.0)
    assert api.get(f"nodes/{name}/loop-lag").status == 200
    assert asked == [60_000, None]
    for age in ("0", "3601", "-1", "x", "²", "9" * 5_000):
        assert api.get(f"nodes/{name}/loop-lag?age={quote(age)}").status == 400, age
    assert api.get("nodes/none@nowhere/loop-lag").status == 404
    api.add_user("eve", "management")
    assert api.get(f"nodes/{name}/loop-lag", user="eve").json["reason"] == "Not monitor user"
