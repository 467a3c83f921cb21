"""The commands on messages that wait behind an ``x-delayed-message`` exchange: look, and drop.

RabbitMQ's plugin has neither; it shows how many there are.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import NotFoundError, UnreadableError
from amqp_server.broker.messages.shown import shown_properties
from amqp_server.broker.names import exchange_text
from amqp_server.broker.request_rights import OPERATOR, Asker, VhostUser
from amqp_server.broker.steps import Steps
from amqp_server.wire.properties import split
from persistence.record import Record
from queues.commits import CommitPoint, point_at
from queues.delayed.committed_waiting import CommittedWaiting
from queues.delayed.few import Waiting
from queues.delayed.waiting import PIECE_MAX, WaitingMessages

AnyWaiting: TypeAlias = WaitingMessages | CommittedWaiting
"""The messages of an exchange: of a single node, or of a cluster."""

SHOWN_MAX: Final = 500
"""Most messages that one command shows."""

PASSES_MAX: Final = 8
"""How often a drop looks again at what went to another slot while it looked."""


class WaitingMessage(NamedTuple):
    """A message that waits.

    Attributes:
        due_ms: when it is due, in ms since 1970.
        payload: its body, up to where it is cut.
        payload_bytes: size of the whole body.
        properties: see ``broker.messages.shown``; ``x-delay`` is negative already.
    """

    due_ms: int
    exchange: str
    routing_key: str
    payload: bytes
    payload_bytes: int
    properties: Mapping[str, object]


class Dropped(NamedTuple):
    """How many messages were dropped, and when that is safe."""

    message_count: int
    safe_at: CommitPoint


class WaitingCommands:
    """The commands on messages that wait; see ``broker.admin``.

    ``username`` is who asks; None is the operator, who needs no rights.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def list_waiting(
        self,
        now_ms: int,
        vhost: str,
        exchange: str,
        *,
        username: str | None,
        count: int,
        truncate_bytes: int | None,
    ) -> Steps[tuple[WaitingMessage, ...]]:
        """Return messages that wait, about in the order in which they are due; all of them stay.

        Args:
            now_ms: the time.
            vhost: of the exchange.
            exchange: its name.
            username: who asks, and must have the right to read from it.
            count: how many; ``SHOWN_MAX`` at most.
            truncate_bytes: where payloads are cut; None is nowhere.

        Raises:
            NotFoundError: no such vhost, or no such exchange that delays.
            AccessRefusedError: no right to read.
            UnreadableError: they wait on another node of the cluster.
            OSError: the disk could not be read.
        """
        messages = self._waiting(vhost, exchange, username, Permission.READ)
        found: list[Waiting] = []
        for message in messages.walk():
            if len(found) >= min(count, SHOWN_MAX):
                break
            found.append(message)
        wall_ms = self._broker.wall_ms(now_ms) - now_ms
        shown: list[WaitingMessage] = []
        for due_ms, _, record in found:
            shown.append(
                WaitingMessage(
                    due_ms + wall_ms,
                    record.exchange,
                    record.routing_key,
                    record.body[:truncate_bytes],
                    len(record.body),
                    shown_properties(record.header),
                )
            )
            yield
        return tuple(shown)

    def drop_waiting(
        self,
        now_ms: int,  # noqa: ARG002 - the same of all commands
        vhost: str,
        exchange: str,
        *,
        username: str | None,
        message_id: str | None,
    ) -> Steps[Dropped]:
        """Drop messages that wait, so that they never come.

        Args:
            now_ms: the time.
            vhost: of the exchange.
            exchange: its name.
            username: who asks, and must have the right to configure it.
            message_id: of the messages to drop; None is all.

        Raises:
            NotFoundError: no such vhost, or no such exchange that delays.
            AccessRefusedError: no right to configure.
            UnreadableError: they wait on another node of the cluster.
            OSError: the disk could not be read; some may be dropped.
        """
        messages = self._waiting(vhost, exchange, username, Permission.CONFIGURE)
        if message_id is None:
            count = messages.drop_all()
        else:
            count = yield from _dropping(messages, message_id)
        return Dropped(count, point_at(messages.log.commit_group, messages.settled_lsn))

    def _waiting(
        self, vhost: str, exchange: str, username: str | None, permission: Permission
    ) -> AnyWaiting:
        found = self._broker.vhost(vhost)
        asker: Asker = OPERATOR
        if username is not None:
            asker = VhostUser(self._broker.users, username, found)
        asker.require(permission, "exchange", exchange)
        room = found.keepers.room(exchange)
        if room is None:
            raise NotFoundError(f"no delayed {exchange_text(vhost, exchange)}")
        waiting = room.waiting_here
        if waiting is None:
            what, cluster = exchange_text(vhost, exchange), self._broker.cluster
            leader = "" if cluster is None else cluster.leader_of(vhost, room.queue_name)
            where = f"{leader} leads them: ask that node" if leader else "nobody leads them now"
            raise UnreadableError(f"messages of {what} cannot be read here: {where}")
        return waiting


def _dropping(messages: AnyWaiting, message_id: str) -> Steps[int]:
    """Drop the messages with an id, wherever they are, and wherever they go meanwhile."""
    count = below = 0
    for _ in range(PASSES_MAX):
        stop = messages.next_position
        count += _drop_of(messages, messages.opened(), message_id)
        for slot in messages.slots():
            at = below
            while part := messages.part_of(slot, at, PIECE_MAX):
                count += _drop_of(messages, part, message_id)
                at = part[-1].position + 1
                yield
        if messages.next_position == stop:
            break
        # What went to another slot meanwhile has a new position.
        below = stop
    return count


def _drop_of(messages: AnyWaiting, part: list[Waiting], message_id: str) -> int:
    found = [each.position for each in part if _has_id(each.record, message_id)]
    for position in found:
        messages.drop(position)
    return len(found)


def _has_id(record: Record, message_id: str) -> bool:
    if message_id.encode("utf-8", "surrogateescape") not in record.header:
        return False
    return split(record.header).text("message_id") == message_id
