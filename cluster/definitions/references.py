"""What a definition needs, and whether it holds: decided by revisions alone.

A definition holds while all that it needs is there, holds, and was there before it. So the delete
of a queue ends its bindings at the same revision on every node, however many there are. What is
left of them is swept some time later, and takes part in nothing until then. A queue that is
declared again was created later than those bindings, which stay ended.

This needs that whatever creates a definition compares the revisions of creation of what it needs.
"""

from collections.abc import Callable
from typing import Final

from cluster.definitions.waiting_queues import exchange_behind
from cluster.metadata.keys import DEFINITION, STATE, KeySpace
from cluster.metadata.port import Item

PREDECLARED_PREFIX: Final = "amq."
"""Exchanges that a vhost has from its begin, and no client may declare."""

_OF_VHOST: Final = frozenset({"x", "policy", "operator-policy", "param"})
_OF_VHOST_AND_USER: Final = frozenset({"perm", "topic-perm"})


class References:
    """What needs what.

    Args:
        keys: of the cluster.
    """

    def __init__(self, keys: KeySpace) -> None:
        self.keys = keys

    def needed_by(self, key: bytes) -> tuple[bytes, ...]:
        """Return the keys that a key needs, and all that those need, what is needed first first."""
        place = self.keys.place_of(key)
        if place is None:
            return ()
        kind, names = place
        if kind == "b":
            return self._needed_by_binding(names)
        if kind == "q":
            return self._needed_by_queue(names)
        if kind in _OF_VHOST:
            return (self.keys.key("vhost", names[0]),)
        if kind in _OF_VHOST_AND_USER:
            return (self.keys.key("vhost", names[0]), self.keys.key("user", names[1]))
        return ()

    def first_missing(self, key: bytes, found: Callable[[bytes], Item | None]) -> bytes | None:
        """Return the first that a key needs and that is not there, or does not hold."""
        for each in self.needed_by(key):
            item = found(each)
            if item is None or not self.holds(item, found):
                return each
        return None

    def holds(self, item: Item, found: Callable[[bytes], Item | None]) -> bool:
        """Return whether all that it needs is there, as of one moment, since before it."""
        for each in self.needed_by(item.key):
            needed = found(each)
            if needed is None or needed.create_revision > item.create_revision:
                return False
        return True

    def source_of(self, binding: bytes) -> bytes | None:
        """Return the key of the exchange that a binding is from; None: it is a predeclared one."""
        place = self.keys.place_of(binding)
        assert place is not None, binding
        return self._exchange(place.names[0], place.names[1])

    def bindings_from(self, vhost: str, exchange: str) -> bytes:
        """Return what the keys of all bindings from an exchange begin with."""
        return self.keys.prefix_of("b", vhost, exchange)

    def _needed_by_queue(self, names: tuple[str, ...]) -> tuple[bytes, ...]:
        vhost, name, what = names
        needed = [self.keys.key("vhost", vhost)]
        exchange = exchange_behind(name)
        if exchange is not None:
            needed.append(self.keys.key("x", vhost, exchange))
        if what == STATE:
            needed.append(self.keys.key("q", vhost, name, DEFINITION))
        return tuple(needed)

    def _needed_by_binding(self, names: tuple[str, ...]) -> tuple[bytes, ...]:
        vhost, source, kind, destination, _ = names
        if kind == "q":
            to: bytes | None = self.keys.key("q", vhost, destination, DEFINITION)
        else:
            to = self._exchange(vhost, destination)
        ends = (self._exchange(vhost, source), to)
        needed = (self.keys.key("vhost", vhost), *(each for each in ends if each is not None))
        return tuple(dict.fromkeys(needed))

    def _exchange(self, vhost: str, name: str) -> bytes | None:
        if name.startswith(PREDECLARED_PREFIX):
            return None
        return self.keys.key("x", vhost, name)
