"""The JSON of queues in whole lists, kept from one list to the next where nothing has changed.

    view of a queue, since when it is idle   →   text

Tools ask for ten thousand queues every few seconds, and most of them have done nothing meanwhile.
A text is a function of what stands on the left alone, and what stands there is compared each time:
so whatever changes a queue, no list has an old text. Queues that do something are written anew.

    "{"name":"a"        its own
    "{"name":"b"  ─┬─   its own
                   └→   ,"vhost":"/",…}   the rest, once for all queues that have the same
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from amqp_server.broker.views import QueueView
from management.bodies.queues import queue_body
from management.http.json_text import dumped
from management.identity import Identity
from management.lists.ranges import NO_RANGES
from management.samples.details import Looks
from management.samples.history import History

BYTES_MAX: Final = 32 * 1024 * 1024
"""Memory of all that is kept; what has no place is written anew for each list."""

KEPT_MS: Final = 60_000
"""A text that no list had for so long is forgotten, and after twice that at the latest."""

ENTRY_BYTES: Final = 1_024
"""About what a kept text takes beside its own bytes: the view, its numbers, and its places."""


class _Kept(NamedTuple):
    """A text, and what it was made of.

    ``exact`` are the values of users as JSON: in Python ``1 == True == 1.0``.
    """

    view: QueueView
    exact: bytes
    since_ms: int
    own: bytes
    rest: bytes


class QueueTexts:
    """The texts of a node's queues.

    Attributes:
        size_bytes: about what they take.

    Args:
        identity: of the node.
        bytes_max: most memory.
    """

    def __init__(self, identity: Identity, bytes_max: int = BYTES_MAX) -> None:
        self._identity = identity
        self._bytes_max = bytes_max
        self.size_bytes = 0
        self._recent: dict[tuple[str, str], _Kept] = {}
        self._older: dict[tuple[str, str], _Kept] = {}
        self._rests: dict[bytes, tuple[bytes, int]] = {}
        self._aged_ms = 0

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def text(self, view: QueueView, numbers: History | None, looks: Looks) -> bytes:
        """Return the JSON of ``queue_body``, without samples.

        Args:
            view: of the queue, as it is now.
            numbers: of the queue over time; None as long as it was not looked at.
            looks: when queues were looked at.
        """
        if numbers is None or numbers.changed_ms > looks.before_ms:
            return dumped(queue_body(view, self._identity, numbers, looks, NO_RANGES))
        key, since_ms = (view.vhost, view.name), numbers.changed_ms + looks.wall_offset_ms
        exact = b""
        if view.arguments or view.effective_policy:
            exact = dumped((view.arguments, view.effective_policy))
        kept = self._find(key)
        if kept is None or (kept.view, kept.exact, kept.since_ms) != (view, exact, since_ms):
            body = queue_body(view, self._identity, numbers, looks, NO_RANGES)
            own = dumped({"name": body.pop("name")})[:-1]
            made = _Kept(view, exact, since_ms, own, b"," + dumped(body)[1:])
            if kept is not None:
                self._forget(self._recent.pop(key))
            kept = self._keep(key, made)
        return kept.own + kept.rest

    def forgetting(self, now_ms: int) -> Iterator[None]:
        """Forget what no list had for long; yield after each.

        Called from time to time.
        """
        if now_ms - self._aged_ms < KEPT_MS:
            return
        self._aged_ms = now_ms
        unused, self._older, self._recent = self._older, self._recent, {}
        while unused:
            _, kept = unused.popitem()
            self._forget(kept)
            yield

    def _find(self, key: tuple[str, str]) -> _Kept | None:
        kept = self._recent.get(key)
        if kept is None:
            kept = self._older.pop(key, None)
            if kept is not None:
                self._recent[key] = kept
        return kept

    def _keep(self, key: tuple[str, str], made: _Kept) -> _Kept:
        """Keep a text, if there is room; return it as it is kept."""
        rest, count = self._rests.get(made.rest, (made.rest, 0))
        size_bytes = ENTRY_BYTES + len(made.own) + (0 if count else len(rest))
        if self.size_bytes + size_bytes > self._bytes_max:
            return made
        self.size_bytes += size_bytes
        self._rests[rest] = (rest, count + 1)
        kept = self._recent[key] = made._replace(rest=rest)
        return kept

    def _forget(self, kept: _Kept) -> None:
        rest, count = self._rests.pop(kept.rest)
        self.size_bytes -= ENTRY_BYTES + len(kept.own)
        if count > 1:
            self._rests[rest] = (rest, count - 1)
        else:
            self.size_bytes -= len(rest)
