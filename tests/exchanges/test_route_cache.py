import pytest

from exchanges import route_cache
from exchanges.route_cache import RouteCache


def test_a_value_is_found_under_its_route_and_generation() -> None:
    cache: RouteCache[str] = RouteCache()
    cache.put(b"r", 7, "here")
    assert cache.get(b"r", 7) == "here"
    assert cache.get(b"other", 7) is None


def test_a_value_may_be_falsy() -> None:
    cache: RouteCache[tuple[str, ...]] = RouteCache()
    cache.put(b"r", 0, ())
    assert cache.get(b"r", 0) == ()


def test_a_new_generation_forgets_everything_at_once() -> None:
    cache: RouteCache[str] = RouteCache()
    cache.put(b"r", 1, "old")
    cache.put(b"s", 1, "old")
    assert cache.get(b"r", 2) is None
    assert len(cache) == 0
    assert cache.get(b"r", 1) is None


def test_a_value_of_a_new_generation_stands_alone() -> None:
    cache: RouteCache[str] = RouteCache()
    cache.put(b"r", 1, "old")
    cache.put(b"s", 2, "new")
    assert cache.get(b"r", 2) is None
    assert cache.get(b"s", 2) == "new"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> RouteCache[int]:
    """Return a cache with room for eight."""
    monkeypatch.setattr(route_cache, "CAPACITY", 8)
    return RouteCache()


def test_a_cache_never_holds_more_than_it_may(small: RouteCache[int]) -> None:
    for number in range(100):
        small.put(b"%d" % number, 1, number)
        assert len(small) <= 8
    assert small.get(b"99", 1) == 99
    assert small.get(b"0", 1) is None


def test_what_came_last_is_still_there_when_a_half_is_forgotten(small: RouteCache[int]) -> None:
    for number in range(9):
        small.put(b"%d" % number, 1, number)
    assert len(small) == 5
    assert [small.get(b"%d" % number, 1) for number in range(4, 9)] == [4, 5, 6, 7, 8]


def test_a_route_in_use_stays_among_any_number_that_come_once(small: RouteCache[int]) -> None:
    small.put(b"used", 1, -1)
    for number in range(100):
        assert small.get(b"once %d" % number, 1) is None
        small.put(b"once %d" % number, 1, number)
        assert small.get(b"used", 1) == -1
        assert len(small) <= 8
