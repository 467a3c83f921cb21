"""Random scripts of HTTP calls: a seed makes the same calls again, of all kinds."""

from conformance.http_random import script_of


def test_a_seed_is_a_script() -> None:
    assert script_of(7) == script_of(7)
    assert script_of(7) != script_of(8)
    assert script_of(7, 10) == script_of(7, 40)[:10]


def test_all_kinds_of_things_are_asked_for() -> None:
    calls = [call for seed in range(20) for call in script_of(seed)]
    kinds = {(call.method, call.path.partition("/")[0]) for call in calls}
    for name in ("queues", "exchanges", "policies", "operator-policies", "vhost-limits"):
        assert {("PUT", name), ("DELETE", name)} <= kinds
    assert {("POST", "bindings"), ("DELETE", "bindings"), ("GET", "definitions")} <= kinds
