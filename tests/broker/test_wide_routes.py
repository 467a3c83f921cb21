import pytest

from amqp_server.broker import wide_routes
from amqp_server.broker.wide_routes import WideRoute, WideRoutes
from exchanges.route_cache import Visited


def _never(_since: int, _visited: Visited, _route: bytes) -> bool:
    return False


def test_names_are_found_until_they_do_not_hold() -> None:
    asked: list[tuple[int, Visited, bytes]] = []
    answers = [True, False]

    def holds(since: int, visited: Visited, route: bytes) -> bool:
        asked.append((since, visited, route))
        return answers.pop(0)

    routes = WideRoutes(holds)
    routes.put(b"r", WideRoute(1, ("x", "y"), ("p", "q")))
    assert [routes.get(b"r", generation) for generation in (1, 5, 5)] == [("p", "q")] * 3
    assert routes.get(b"r", 6) is None
    assert routes.get(b"r", 5) is None
    assert asked == [(1, ("x", "y"), b"r"), (5, ("x", "y"), b"r")]


def test_no_more_names_are_remembered_than_a_node_can_bear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wide_routes, "WIDE_NAMES_MAX", 10)
    routes = WideRoutes(_never)
    for number in range(3):
        routes.put(b"%d" % number, WideRoute(1, ("x",), ("q",) * 5))
    assert routes.get(b"0", 1) is not None
    routes.put(b"3", WideRoute(1, ("x",), ("q",) * 5))
    assert routes.get(b"0", 1) is None
    assert routes.get(b"3", 1) is not None


def test_what_was_put_again_or_forgotten_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_routes, "WIDE_NAMES_MAX", 10)
    routes = WideRoutes(_never)
    for generation in range(20):
        routes.put(b"again", WideRoute(generation, ("x",), ("q",) * 4))
        routes.put(b"other", WideRoute(generation, ("x",), ("q",) * 4))
        assert routes.get(b"again", generation) is not None
        assert routes.get(b"other", generation + 1) is None
