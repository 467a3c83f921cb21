import pytest

from cluster.metadata.following.cache import Cache, Difference, News
from cluster.metadata.port import Change, Item


def item(key: bytes, revision: int, value: bytes = b"") -> Item:
    return Item(key, value, revision, revision)


def test_a_revision_in_pieces_is_held_as_it_is_told() -> None:
    cache = Cache()
    told: list[News] = []
    assert cache.listen(told.append) == (0, ())
    first, second = item(b"a", 5), item(b"b", 5)
    cache.take(5, [Change(b"a", first)], is_whole=False)
    assert (cache.revision, cache.get(b"a"), len(cache)) == (0, first, 1)
    cache.take(5, [Change(b"b", second)], is_whole=True)
    assert cache.revision == 5
    assert told == [
        News(5, (Difference(b"a", None, first),), is_whole=False),
        News(5, (Difference(b"b", None, second),), is_whole=True),
    ]


def test_what_is_known_is_neither_held_nor_told() -> None:
    cache = Cache()
    told: list[News] = []
    cache.listen(told.append)
    newest = item(b"a", 7)
    cache.take(7, [Change(b"a", newest)], is_whole=True)
    cache.take(6, [Change(b"a", item(b"a", 6))], is_whole=True)
    cache.take(8, [Change(b"a", newest), Change(b"none", None)], is_whole=True)
    assert cache.get(b"a") is newest
    assert told[1:] == [News(8, (), is_whole=True)]


def test_who_comes_later_begins_with_a_snapshot_and_who_left_is_told_nothing() -> None:
    cache = Cache()
    told: list[News] = []
    cache.listen(told.append)
    first = item(b"a", 2)
    cache.take(2, [Change(b"a", first)], is_whole=True)
    cache.leave(told.append)
    assert cache.listen(told.append) == (2, (first,))
    cache.leave(told.append)
    cache.take(3, [Change(b"a", None)], is_whole=True)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(b"a", b"c", [b"a", b"b"]), (b"b", b"b\0", [b"b"]), (b"d", b"e", [])],
)
def test_a_range_is_held_in_the_order_of_its_keys(
    start: bytes, end: bytes, found: list[bytes]
) -> None:
    cache = Cache()
    changes = [Change(key, item(key, 2)) for key in (b"c", b"a", b"b")]
    cache.take(2, changes, is_whole=True)
    assert [each.key for each in cache.between(start, end)] == found
