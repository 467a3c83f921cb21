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


def test_a_full_cache_is_emptied_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_cache, "CAPACITY", 8)
    cache: RouteCache[int] = RouteCache()
    for number in range(8):
        cache.put(b"%d" % number, 1, number)
    assert len(cache) == 8
    assert cache.get(b"0", 1) == 0
    cache.put(b"one more", 1, -1)
    assert len(cache) == 1
    assert cache.get(b"one more", 1) == -1
    assert cache.get(b"0", 1) is None
