"""The node and its memory."""

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
