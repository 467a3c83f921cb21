from collections.abc import Callable

import pytest

from exchanges import route_cache
from exchanges.route_cache import RouteCache, Visited

X = ("x",)


def _never(_since: int, _visited: Visited, _route: bytes) -> bool:
    return False


def test_a_value_is_found_under_its_route_and_generation() -> None:
    cache: RouteCache[str] = RouteCache(_never)
    cache.put(b"r", 7, X, "here")
    assert cache.get(b"r", 7) == "here"
    assert cache.get(b"other", 7) is None


def test_a_value_may_be_falsy() -> None:
    cache: RouteCache[tuple[str, ...]] = RouteCache(_never)
    cache.put(b"r", 0, X, ())
    assert cache.get(b"r", 0) == ()


def test_a_value_that_does_not_hold_any_more_is_forgotten() -> None:
    cache: RouteCache[str] = RouteCache(_never)
    cache.put(b"r", 1, X, "old")
    cache.put(b"s", 2, X, "new")
    assert cache.get(b"r", 2) is None
    assert cache.get(b"r", 1) is None
    assert cache.get(b"s", 2) == "new"
    assert len(cache) == 1


def test_a_value_is_asked_about_once_a_generation_and_since_when_it_held() -> None:
    asked: list[tuple[int, Visited, bytes]] = []

    def holds(since: int, visited: Visited, route: bytes) -> bool:
        asked.append((since, visited, route))
        return True

    cache: RouteCache[str] = RouteCache(holds)
    cache.put(b"r", 1, ("x", "y"), "here")
    for generation in (1, 1, 4, 4, 9):
        assert cache.get(b"r", generation) == "here"
    assert asked == [(1, ("x", "y"), b"r"), (4, ("x", "y"), b"r")]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> RouteCache[int]:
    """Return a cache with room for eight."""
    monkeypatch.setattr(route_cache, "CAPACITY", 8)
    return RouteCache(_never)


@pytest.fixture
def put(small: RouteCache[int]) -> Callable[[bytes, int], None]:
    return lambda route, value: small.put(route, 1, X, value)


def test_a_cache_never_holds_more_than_it_may(
    small: RouteCache[int], put: Callable[[bytes, int], None]
) -> None:
    for number in range(100):
        put(b"%d" % number, number)
        assert len(small) <= 8
    assert small.get(b"99", 1) == 99
    assert small.get(b"0", 1) is None


def test_what_came_last_is_still_there_when_a_half_is_forgotten(
    small: RouteCache[int], put: Callable[[bytes, int], None]
) -> None:
    for number in range(9):
        put(b"%d" % number, number)
    assert len(small) == 5
    assert [small.get(b"%d" % number, 1) for number in range(4, 9)] == [4, 5, 6, 7, 8]


def test_a_route_in_use_stays_among_any_number_that_come_once(
    small: RouteCache[int], put: Callable[[bytes, int], None]
) -> None:
    put(b"used", -1)
    for number in range(100):
        assert small.get(b"once %d" % number, 1) is None
        put(b"once %d" % number, number)
        assert small.get(b"used", 1) == -1
        assert len(small) <= 8
