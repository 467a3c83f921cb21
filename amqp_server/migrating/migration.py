"""A migration from its wish to its result: queue after queue, and what is left at the end."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from amqp_server.migrating import sameness
from amqp_server.migrating.api import Api, ApiError
from amqp_server.migrating.listing import Choice, Name, choice_of
from amqp_server.migrating.queue_move import EXCHANGE_PREFIX, MoveError, QueueMove
from amqp_server.migrating.sameness import are_one
from load_generator.session import Endpoint

NUMBERS_S: Final = 6.0
"""RabbitMQ's numbers of a queue are this old at most."""
LOOK_S: Final = 0.5


class OneBrokerError(Exception):
    """Source and target are the same: its messages would go round for ever."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for.

    Attributes:
        source: where the messages are; the vhost does not count.
        target: where they shall be.
        source_api: the HTTP API of the source.
        target_api: that of the target.
        copies_definitions: the target gets the source's definitions first.
        only_looks: nothing is moved.
    """

    source: Endpoint
    target: Endpoint
    source_api: Api
    target_api: Api
    copies_definitions: bool = False
    only_looks: bool = False


@dataclass(slots=True)
class Result:
    """What came of it.

    Attributes:
        moved: how many messages of each queue.
        failures: queues that are not at their end, and why.
        left: queues that were not touched, and why.
        is_whole: whether no message is left at the source, as far as can be said.
    """

    moved: dict[Name, int] = field(default_factory=dict)
    failures: dict[Name, str] = field(default_factory=dict)
    left: dict[Name, str] = field(default_factory=dict)
    is_whole: bool = True


def migrate(wish: Wish, say: Callable[[str], None]) -> Result:
    """Move all that can be moved.

    Args:
        wish: what is asked for.
        say: gets lines for the user.

    Raises:
        ApiError: a broker does not say which queues it has, or takes no definitions.
        OneBrokerError: source and target are the same.
        OSError, LoadError: a broker cannot be reached, or refuses the login.
    """
    if are_one(wish.source, wish.target):
        raise OneBrokerError("--from and --to are one broker, or nodes of one cluster")
    if wish.copies_definitions and not wish.only_looks:
        left_out = wish.target_api.import_definitions(wish.source_api.definitions())
        say(left_out or "the target has the definitions of the source")
    choice = choice_of(wish.source_api.queues(), wish.target_api.queues())
    result = Result(left=dict(choice.left), is_whole=not choice.full)
    for name, reason in choice.left.items():
        say(f"{name.text()}: left: {reason}")
    if wish.only_looks:
        for name in choice.moved:
            say(f"{name.text()}: would be moved")
        return result
    _move_all(wish, choice, result, say)
    _remove_left_over(wish.target_api)
    return result


def _remove_left_over(api: Api) -> None:
    """Remove exchanges of runs that were killed, and whose queue is gone since.

    Each move removes that of its own queue. One that has its queue may be another run's.
    """
    with suppress(ApiError):
        for each in api.exchanges():
            name = str(each["name"])
            if name.startswith(EXCHANGE_PREFIX) and not name.startswith(sameness.PREFIX):
                with suppress(ApiError):
                    api.delete_unbound(str(each["vhost"]), name)


def _move_all(wish: Wish, choice: Choice, result: Result, say: Callable[[str], None]) -> None:
    for name in choice.moved:
        source, target = (end._replace(vhost=name.vhost) for end in (wish.source, wish.target))
        move = QueueMove(source, target, name.queue)
        told = ""
        try:
            move.run()
            told = _what_is_left(wish.source_api, name)
        except MoveError as error:
            told = str(error)
        result.moved[name] = move.moved_count
        if told:
            result.failures[name] = told
            result.is_whole = False
        say(f"{name.text()}: {move.moved_count:,} moved{f'; {told}' if told else ''}")


def _what_is_left(api: Api, name: Name) -> str:
    """Return what a queue has at its source still; empty: nothing.

    What others had not acked may be ready again by now, as they have gone.
    """
    unacked = ready = 0
    for _ in range(int(NUMBERS_S / LOOK_S)):
        try:
            numbers = api.queue(*name)
        except ApiError as error:
            return f"nothing was ready any more; its numbers are not known: {error}"
        unacked = int(numbers.get("messages_unacknowledged") or 0)
        ready = int(numbers.get("messages_ready") or 0)
        if not unacked and not ready:
            return ""
        time.sleep(LOOK_S)
    held = [f"{unacked:,} are unacked by consumers of the source"] if unacked else []
    return ", ".join([*held, *([f"{ready:,} are ready again"] if ready else [])])
