"""The recent changes of a vhost's routing. They tell whether a remembered route still holds.

A route depends on every exchange that its walk visited, existing or not. Of each exchange it
depends on the bindings that can affect its routing key. A change is noted under the same things:

    a binding of a direct exchange, a topic pattern without wildcards   that exchange, that key
    any other topic pattern                       that exchange, keys that begin as it does
    any other binding, an exchange itself         that exchange, all keys
    a queue that came or went                     its bindings, that of the default exchange too

A change notifies nobody, and no route is registered. The holder of a route remembers in which
generation it was found, and asks here after something has changed. So publishers beside a client
that keeps binding and unbinding pay for a few look-ups, and not for another walk.

The number of remembered changes is bounded. A route that is older than all of them counts as
changed.
"""

from typing import Final, TypeAlias

CHANGES_MAX: Final = 16_384
"""Changes remembered; the older half is forgotten as a whole."""

VISITED_MAX: Final = 16
"""A route over more exchanges holds until anything changes; each exchange costs a look-up."""


KeyPart: TypeAlias = tuple[str, bool]
"""The routing keys that a binding can affect.

A text, and whether it means all keys that begin with it; otherwise it means exactly this key. It is
a plain tuple, because each bind and each queue that comes or goes makes some.
"""

EVERY_KEY: Final[KeyPart] = ("", True)


class RouteChanges:
    """When each part of the routing changed last.

    Attributes:
        generation: how often anything has changed.

    Invariant: a part that is in no half last changed at ``_forgotten_until`` or earlier.
    """

    __slots__ = ("_forgotten_until", "_older", "_recent", "_recent_since", "generation")

    def __init__(self) -> None:
        self.generation = 0
        self._recent: dict[tuple[str, str, bool], int] = {}
        self._older: dict[tuple[str, str, bool], int] = {}
        self._recent_since = 0
        self._forgotten_until = 0

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def note(self, exchange_name: str, part: KeyPart) -> None:
        """Note that an exchange may lead elsewhere for these keys from now on."""
        recent = self._recent
        if len(recent) >= CHANGES_MAX // 2:
            self._older, self._recent = recent, {}
            self._forgotten_until, self._recent_since = self._recent_since, self.generation
            recent = self._recent
        self.generation = generation = self.generation + 1
        text, is_prefix = part
        recent[exchange_name, text, is_prefix] = generation

    def note_all(self) -> None:
        """Note that any route may lead elsewhere."""
        self.generation += 1
        self._recent, self._older = {}, {}
        self._forgotten_until = self._recent_since = self.generation

    def holds(self, since: int, visited: tuple[str, ...], routing_key: str) -> bool:
        """Return whether a route that was found under a generation leads to the same queues now.

        Args:
            since: the generation in which it was found.
            visited: every exchange of the walk, existing or not.
            routing_key: the only one of the route.
        """
        if since < self._forgotten_until or len(visited) > VISITED_MAX:
            return since == self.generation
        parts = [(routing_key, False), EVERY_KEY]
        end = routing_key.find(".") + 1
        while end:
            parts.append((routing_key[:end], True))
            end = routing_key.find(".", end) + 1
        recent, older = self._recent, self._older
        for name in visited:
            for text, is_prefix in parts:
                changed = name, text, is_prefix
                if recent.get(changed, 0) > since or older.get(changed, 0) > since:
                    return False
        return True
