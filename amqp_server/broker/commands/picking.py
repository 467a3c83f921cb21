"""The command that deletes or moves single messages, which somebody has seen in a look.

A message is named by its place and its fingerprint. It goes only if that very message is ready at
that place. One that was delivered, went elsewhere or is another one now stays as it is.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.asking import require_messages_here
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import (
    NodeLimitError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    UnreadableError,
)
from amqp_server.broker.jobs.copied import CopiedLater
from amqp_server.broker.jobs.origin import addressed
from amqp_server.broker.messages.fingerprint import fingerprint
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import NOBODY, Queue
from amqp_server.broker.request_rights import asker_of
from amqp_server.broker.steps import Steps
from queues.commits import SAFE_NOW, CommitPoint, is_ordered_by, later_of, point_at
from queues.looking import LookedMessage, LookPlace
from queues.ports import EmptiedQueue


class Picked(NamedTuple):
    """A message that was seen: where, and what it was (``broker.messages.fingerprint``)."""

    place: LookPlace
    fingerprint: str


class Fate(Enum):
    """What became of a message; the value is shown."""

    DELETED = "deleted"
    MOVED = "moved"
    GONE = "gone"
    CHANGED = "changed"
    REFUSED = "refused"
    NOWHERE = "nowhere"


class Target(NamedTuple):
    """Where messages go: to this queue; None is for each the one in which it died first."""

    dest: str | None


class TakenOut(NamedTuple):
    """What became of each message, in the order in which they were named.

    Attributes:
        safe_at: when all of that survives a restart.
    """

    fates: tuple[Fate, ...]
    safe_at: CommitPoint


class PickingCommands:
    """The command that takes single messages out; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def take_out(
        self,
        now_ms: int,  # noqa: ARG002 -- the port's names
        vhost: str,
        name: str,
        *,
        username: str | None,
        picked: Sequence[Picked],
        target: Target | None,
    ) -> Steps[TakenOut]:
        """Delete ready messages, or move them to another queue; all others stay as they are.

        Each message is looked at, copied and settled in one step, so a crash leaves it in one of
        the two queues or in both (ADR 18). Over two logs it is settled once the copy is safe.

        Args:
            now_ms: the time.
            vhost: of the queue.
            name: of the queue.
            username: who asks; None is who runs the node.
            picked: the messages.
            target: where they go; None deletes them.

        Raises:
            NotFoundError, AccessRefusedError, ResourceLockedError: of a queue, or of its vhost.
            PreconditionFailedError: both queues are the same one.
            NotSupportedError: nothing is taken out of a stream.
            NodeLimitError: an alarm is on, and nothing may be published.
            UnreadableError: the disk could not be read, and what went before has gone; or another
                node leads the queue.
        """
        broker, found = self._broker, self._broker.vhost(vhost)
        asker = asker_of(broker.users, username, found)
        asker.require(Permission.READ, "queue", name)
        if target is not None:
            asker.require(Permission.WRITE, "exchange", "")
        queue = found.queues.get(name, NOBODY)
        engine = queue.emptied
        if engine is None:
            raise NotSupportedError(f"{queue.text} is a stream: its messages stay until they age")
        require_messages_here(queue)
        if target is not None and target.dest is not None:
            found.queues.get(target.dest, NOBODY)
            if target.dest == name:
                raise PreconditionFailedError("the messages are in this queue already")
        if target is not None and broker.alarms.is_on:
            raise NodeLimitError(broker.alarms.reason)
        fates: list[Fate] = []
        safe_at: CommitPoint = SAFE_NOW
        for each in picked:
            if queue.is_deleted:
                raise NotFoundError(f"no {queue.text}")
            fate, point = take_one(queue, engine, each, target, found.publisher, broker.turn.now_ms)
            fates.append(fate)
            safe_at = later_of(safe_at, point)
            yield
        broker.congestion.excuse()
        return TakenOut(tuple(fates), safe_at)


def take_one(
    queue: Queue,
    engine: EmptiedQueue,
    picked: Picked,
    target: Target | None,
    publisher: Publisher,
    now_ms: int,
) -> tuple[Fate, CommitPoint]:
    """Take one message out; return what became of it, and when that is safe."""
    message = _looked_at(queue, picked.place)
    if message is None or 0 < message.expires_at_ms <= now_ms:
        return Fate.GONE, SAFE_NOW
    if fingerprint(message.record) != picked.fingerprint:
        return Fate.CHANGED, SAFE_NOW
    safe_at: CommitPoint = SAFE_NOW
    if target is not None:
        name, record = addressed(message.record, target.dest, queue.name)
        outcome = publisher.publish_to_queue(name, (record,), now_ms) if name else None
        if outcome is None:
            return Fate.NOWHERE, SAFE_NOW
        if outcome.rejected:
            return Fate.REFUSED, SAFE_NOW
        safe_at = outcome.safe_at
        if outcome.still_open or not is_ordered_by(queue.engine.commit_group, safe_at):
            later = CopiedLater(queue, message, picked.place.lane, safe_at, outcome.still_open)
            return Fate.MOVED, CommitPoint(later, 1)
    # With a higher LSN than the copy.
    lsn = engine.remove(picked.place.lane, (message,))
    settled_at = point_at(queue.engine.commit_group, lsn)
    return Fate.DELETED if target is None else Fate.MOVED, later_of(safe_at, settled_at)


def _looked_at(queue: Queue, place: LookPlace) -> LookedMessage | None:
    """Return the ready message at a place; None if there is none."""
    at: LookPlace | None = place
    while at is not None and at.lane == place.lane and at.position <= place.position:
        try:
            found = queue.engine.look(at, 1)
        except OSError as error:
            raise UnreadableError(f"{queue.text} cannot be read now: {error.strerror}") from error
        for each in found.slices:
            for message in each.messages():
                is_there = found.place is not None and found.place.lane == place.lane
                return message if is_there and message.position == place.position else None
        at = found.place
    return None
