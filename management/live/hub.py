"""Shows feeds to those who listen: a whole picture first, then each second what has changed.

    event: snapshot    data: {"topic": "queues:/:orders", "at": ms, "value": {…}}
    event: delta       data: {"topic": …, "at": ms, "changes": [[["rates", "publish"], 212.0], …]}
    event: gone        data: {"topic": …}

A picture is made once for all who may see the same. Nobody listens: nothing is made.
"""

import asyncio
import logging
from typing import Any, Final, NamedTuple, TypeAlias

from management.access.account import Account
from management.http.event_stream import event
from management.live.changes import Picture, changes
from management.live.feeds import ALARMS, QUEUES, Feed
from management.live.listeners import Listener
from management.live.pictures import Pictures, rates
from management.node import Node

log = logging.getLogger(__name__)

PERIOD_MS: Final = 1_000
FRESH_MS: Final = 900
"""A picture of this age is shown to who comes between two looks."""

_Key: TypeAlias = tuple[Feed, str]
"""A feed, and who sees its picture: the name of a user where it depends on that."""


class _Looked(NamedTuple):
    picture: Picture
    numbers: tuple[int, ...]
    at_ms: int


class Audience:
    """One who listens.

    Args:
        listener: takes the events.
        account: of the user.
        feeds: that it listens to.
    """

    def __init__(self, listener: Listener, account: Account, feeds: tuple[Feed, ...]) -> None:
        self.listener = listener
        self.account = account
        self.feeds = feeds
        self.known: dict[Feed, Picture | None] = {}
        self.lost_count = 0

    def forget_lost(self) -> None:
        """Know nothing of the client any more, if it has lost an event meanwhile."""
        if self.listener.lost_count != self.lost_count:
            self.lost_count = self.listener.lost_count
            self.known.clear()


class Hub:
    """The feeds of a node.

    Args:
        node: that is looked at.
        pictures: makes what is shown.
    """

    def __init__(self, node: Node, pictures: Pictures) -> None:
        self._node = node
        self._pictures = pictures
        self._audiences: dict[Listener, Audience] = {}
        self._looked: dict[_Key, _Looked | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._audiences)

    def begin(self, audience: Audience) -> None:
        """Show feeds to one more."""
        self._audiences[audience.listener] = audience
        self._woken.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def end(self, listener: Listener) -> None:
        """Show nothing more to one; without any, nothing is looked at."""
        self._audiences.pop(listener, None)
        if not self._audiences and self._task is not None:
            self._task.cancel()
            self._task = None
            self._looked.clear()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.look()
            except Exception:
                log.exception("a look for those who listen failed")
            try:
                async with asyncio.timeout(PERIOD_MS / 1000):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Look once, and show what is new."""
        await self._node.slices.begin()
        before = dict(self._looked)
        made: set[_Key] = set()
        for audience in tuple(self._audiences.values()):
            audience.forget_lost()
            for feed in audience.feeds:
                key = _key_of(feed, audience.account)
                if key not in made:
                    made.add(key)
                    self._looked[key] = await self._made(key, audience.account)
                self._show(audience, feed, self._looked[key])
                if self._node.slices.is_spent():
                    await self._node.slices.pause()
        for key in before.keys() - made:
            self._looked.pop(key, None)

    async def _made(self, key: _Key, account: Account) -> _Looked | None:
        now_ms = self._node.now_ms()
        known = self._looked.get(key)
        if known is not None and now_ms - known.at_ms < FRESH_MS:
            return known
        found = await self._pictures.of(key[0], account)
        if found is None:
            return None
        picture, numbers = found[0], tuple(found[1])
        if numbers:
            is_first = known is None or not known.numbers
            earlier = numbers if is_first or known is None else known.numbers
            span_ms = PERIOD_MS if known is None else max(1, now_ms - known.at_ms)
            picture = {**picture, "rates": rates(key[0], earlier, numbers, span_ms)}
        return _Looked(picture, numbers, now_ms)

    def _show(self, audience: Audience, feed: Feed, looked: _Looked | None) -> None:
        listener = audience.listener
        is_new = feed not in audience.known
        before = audience.known.get(feed)
        audience.known[feed] = None if looked is None else looked.picture
        named: dict[str, Any] = {"topic": feed.text}
        if looked is None:
            if is_new or before is not None:
                listener.put(event(named, "gone"))
            return
        view = self._node.views.node()
        named["at"] = looked.at_ms + view.wall_ms - view.now_ms
        if before is None:
            listener.put(event({**named, "value": looked.picture}, "snapshot"))
            return
        changed = changes(before, looked.picture)
        if changed:
            name = "alarm" if feed.kind == ALARMS else "delta"
            listener.put(event({**named, "changes": changed}, name))


def _key_of(feed: Feed, account: Account) -> _Key:
    """Return what those share who see the same picture."""
    if feed.kind == QUEUES or not account.is_monitor:
        return feed, account.name
    return feed, account.name if feed.kind == "attention" else ""
