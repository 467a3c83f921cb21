"""The node as management sees it: views, commands, events, and the clock.

A command is a job of the broker's turns. It is begun here, and awaited.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import TypeVar

from amqp_server.broker.admin import Admin, Answer, CommandJob
from amqp_server.broker.events import Events
from amqp_server.broker.pages import Page
from amqp_server.broker.views import Views
from management.slices import Slices

log = logging.getLogger(__name__)

Key = TypeVar("Key")
Item = TypeVar("Item")


class NotSafeError(Exception):
    """A command was carried out, and what it did may be lost: the disk or a mirror has failed."""


class Node:
    """A broker, and the loop that it runs in.

    Attributes:
        views: answers about everything in it.
        events: what comes and goes.
        now_ms: the clock of instants.
        slices: shares the time of the loop among requests.
        request_turn: has the loop make a turn.

    Args:
        views: of the broker.
        admin: its commands.
        events: of the broker.
        request_turn: has the loop make a turn.
        now_ms: monotonic.
        slices: of this loop.
    """

    def __init__(
        self,
        views: Views,
        admin: Admin,
        events: Events,
        request_turn: Callable[[], None],
        now_ms: Callable[[], int],
        slices: Slices,
    ) -> None:
        self.views = views
        self.events = events
        self.now_ms = now_ms
        self.slices = slices
        self._admin = admin
        self.request_turn = request_turn
        self._actor = ""

    def acting_as(self, user: str) -> "Node":
        """Return the same node, for the commands of this user: events name it."""
        node = copy(self)
        node._actor = user
        return node

    def vhost_names(self) -> list[str]:
        """Return the names of all vhosts, sorted."""
        return [view.name for page in pages(self.views.vhosts) for view in page]

    def has_vhost(self, vhost: str) -> bool:
        """Whether there is such a vhost."""
        return self.views.vhost(vhost) is not None

    def may_enter(self, user: str, vhost: str) -> bool:
        """Whether a user has rights in a vhost."""
        return self.views.may_enter(user, vhost)

    async def command(self, name: str, /, **given: object) -> object:
        """Carry a command out, and return its value once what it did is safe.

        A request that is given up gives the command up too.

        Args:
            name: of the command; see ``broker.admin``.
            given: its arguments.

        Raises:
            BrokerError: it is refused; see ``management.refusals``.
            NotSafeError: see there.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        job = self.begin(name, partial(_settle, future), **given)
        try:
            came = await future
        except asyncio.CancelledError:
            job.give_up()
            raise
        if came.error is not None:
            raise came.error
        if not came.is_safe:
            raise NotSafeError(name)
        return came.value

    def begin(
        self, name: str, answer: Callable[[Answer], None] | None = None, /, **given: object
    ) -> CommandJob:
        """Begin a command; nobody need wait for it.

        Args:
            name: of the command.
            answer: called once with what came of it; None is not told.
            given: its arguments.
        """
        job = self._admin.begin(name, given, answer or _log_failure, self._actor)
        self.request_turn()
        return job


def pages(look: Callable[[Key | None], Page[Key, Item]]) -> Iterator[Sequence[Item]]:
    """Yield the pages of a view, from the first to the last.

    Args:
        look: returns the page behind a cursor; None is the first one.
    """
    cursor: Key | None = None
    while True:
        page = look(cursor)
        yield page.items
        cursor = page.cursor
        if cursor is None:
            return


def _settle(future: "asyncio.Future[Answer]", came: Answer) -> None:
    if not future.done():
        future.set_result(came)


def _log_failure(came: Answer) -> None:
    if came.error is not None:
        log.error("a command of management failed: %s", came.error)
