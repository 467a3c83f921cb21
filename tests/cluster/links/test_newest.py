"""The newest link of each node and direction is there, and no other."""

from collections.abc import Callable
from typing import Any, cast

from cluster.links.hello import Hello
from cluster.links.newest import NewestLinks


class _Peer:
    def __init__(self, node: str) -> None:
        self.node = node


class Link:
    """An end of a connection, which tells the links of its end."""

    def __init__(self, links: "NewestLinks[Link]", node: str, *, is_dialer: bool = True) -> None:
        self.links = links
        self.peer: Hello | None = cast("Any", _Peer(node))
        self.is_dialer = is_dialer
        self.reason: str | None = None
        self.was_there: bool | None = None
        self.on_end: Callable[[], None] = _nobody

    def close(self, reason: str) -> None:
        self.reason = reason
        self.was_there = self.links.drop(self)
        self.on_end()


def _nobody() -> None:
    pass


def test_a_newer_link_takes_the_place_of_an_older_one_that_is_told_first() -> None:
    links: NewestLinks[Link] = NewestLinks()
    older, newer = Link(links, "b"), Link(links, "b")
    assert links.take(older, "b")
    seen: list[dict[str, Link]] = []
    older.on_end = lambda: seen.append(dict(links.dialed))
    assert links.take(newer, "b")
    assert (older.was_there, seen) == (True, [{}])
    assert links.dialed == {"b": newer}
    assert links.dialed_counts == {"b": 2}


def test_each_direction_has_its_own() -> None:
    links: NewestLinks[Link] = NewestLinks()
    dialed, accepted = Link(links, "b"), Link(links, "b", is_dialer=False)
    assert links.take(dialed, "b")
    assert links.take(accepted, "b")
    assert (dialed.reason, links.dialed, links.accepted) == (None, {"b": dialed}, {"b": accepted})
    assert links.dialed_counts["b"] == 1


def test_a_link_that_ends_as_the_older_one_does_is_not_there() -> None:
    links: NewestLinks[Link] = NewestLinks()
    older, newer = Link(links, "b"), Link(links, "b")
    links.take(older, "b")
    older.on_end = lambda: newer.close("all of it")
    assert not links.take(newer, "b")
    assert links.dialed == {}


def test_the_end_of_one_that_is_not_there_changes_nothing() -> None:
    links: NewestLinks[Link] = NewestLinks()
    there, unknown, unheard = Link(links, "b"), Link(links, "b"), Link(links, "c")
    links.take(there, "b")
    unheard.peer = None
    assert not links.drop(unknown)
    assert not links.drop(unheard)
    assert links.dialed == {"b": there}
