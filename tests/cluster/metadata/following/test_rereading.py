from hypothesis import given
from hypothesis import strategies as st

from cluster.metadata.following.cache import Cache
from cluster.metadata.following.rereading import Rereading
from cluster.metadata.port import Change, Item, Page

KEYS = [b"%d" % number for number in range(12)]
items = st.dictionaries(
    st.sampled_from(KEYS), st.tuples(st.integers(2, 9), st.integers(0, 9)), max_size=len(KEYS)
).map(
    lambda found: {
        key: Item(key, b"", created, created + since) for key, (created, since) in found.items()
    }
)


def pages(found: dict[bytes, Item], size: int) -> list[Page]:
    ordered = sorted(found.values(), key=lambda item: item.key)
    parts = [ordered[first : first + size] for first in range(0, len(ordered), size)] or [[]]
    last = len(parts) - 1
    return [Page(50, tuple(part), has_more=number < last) for number, part in enumerate(parts)]


@given(items, items, st.integers(1, 5))
def test_what_differs_makes_the_cache_what_was_read(
    held: dict[bytes, Item], found: dict[bytes, Item], size: int
) -> None:
    cache = Cache()
    cache.take(20, [Change(key, item) for key, item in held.items()], is_whole=True)
    # What is known here is never newer than what the store has of the same key.
    found = {
        key: item
        for key, item in found.items()
        if key not in held
        or item.create_revision > held[key].mod_revision
        or (
            item.create_revision == held[key].create_revision
            and item.mod_revision >= held[key].mod_revision
        )
    }
    reading = Rereading(cache, b"0", b"a")
    for page in pages(found, size):
        reading.take(page)
    changes = list(reading.changes())
    cache.take(50, changes, is_whole=True)
    assert {item.key: item for item in cache.between(b"0", b"a")} == found
    gone = [each.key for each in changes if each.item is None]
    came = [each.item for each in changes if each.item is not None]
    assert all(each.item is None for each in changes[: len(gone)]), "what is gone comes first"
    created = [item for item in came if item.key not in held or item.key in gone]
    assert came[: len(created)] == created
    assert created == sorted(created, key=lambda item: (item.create_revision, item.key))
    changed = came[len(created) :]
    assert changed == sorted(changed, key=lambda item: (item.mod_revision, item.key))
    assert not any(held.get(item.key) == item for item in came), "nothing is told that is held"
