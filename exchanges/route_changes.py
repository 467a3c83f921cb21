"""What changed of a vhost's routing lately: whether a route that was found before still holds.

A route depends on every exchange that its walk visited, there or not, and of each on the bindings
that have a say about its routing key. A change is noted under just that:

    a binding of a direct exchange, a topic pattern without wildcards   that exchange, that key
    any other topic pattern                       that exchange, keys that begin as it does
    any other binding, an exchange itself         that exchange, all keys
    a queue that came or went                     its bindings, that of the default exchange too

Nothing is registered, and nobody is told: who has found a route remembers since when it held, and
asks here once something has changed. So beside a client that binds and unbinds all the while,
publishers pay for a few look-ups, and not for another walk.

What is remembered of changes is bounded. A route that was found before all of it counts as changed.
"""

from typing import Final, NamedTuple

CHANGES_MAX: Final = 16_384
"""Changes remembered; the older half goes at once."""

VISITED_MAX: Final = 16
"""A route that visits more exchanges holds until anything changes: looking takes longer each."""


class KeyPart(NamedTuple):
    """The routing keys that a binding has a say about.

    Attributes:
        text: this key, or how they begin.
        is_prefix: all keys that begin so; or else this very one.
    """

    text: str
    is_prefix: bool


EVERY_KEY: Final = KeyPart("", is_prefix=True)


class RouteChanges:
    """When each part of the routing changed last.

    Attributes:
        generation: how often anything has changed.

    Invariant: what is in no half changed by ``_forgotten_until`` at the latest.
    """

    __slots__ = ("_forgotten_until", "_older", "_recent", "_recent_since", "generation")

    def __init__(self) -> None:
        self.generation = 0
        self._recent: dict[tuple[str, KeyPart], int] = {}
        self._older: dict[tuple[str, KeyPart], int] = {}
        self._recent_since = 0
        self._forgotten_until = 0

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def note(self, exchange_name: str, part: KeyPart) -> None:
        """Note that an exchange may lead elsewhere for these keys from now on."""
        if len(self._recent) >= CHANGES_MAX // 2:
            self._older, self._recent = self._recent, {}
            self._forgotten_until, self._recent_since = self._recent_since, self.generation
        self.generation += 1
        self._recent[exchange_name, part] = self.generation

    def note_all(self) -> None:
        """Note that any route may lead elsewhere."""
        self.generation += 1
        self._recent, self._older = {}, {}
        self._forgotten_until = self._recent_since = self.generation

    def holds(self, since: int, visited: tuple[str, ...], routing_key: str) -> bool:
        """Return whether a route that was found under a generation leads to the same queues now.

        Args:
            since: that generation.
            visited: every exchange on the way, there or not.
            routing_key: the route's; it had no other.
        """
        if since < self._forgotten_until or len(visited) > VISITED_MAX:
            return since == self.generation
        parts = [KeyPart(routing_key, is_prefix=False), EVERY_KEY]
        end = routing_key.find(".") + 1
        while end:
            parts.append(KeyPart(routing_key[:end], is_prefix=True))
            end = routing_key.find(".", end) + 1
        recent, older = self._recent, self._older
        for name in visited:
            for part in parts:
                changed = name, part
                if recent.get(changed, 0) > since or older.get(changed, 0) > since:
                    return False
        return True
