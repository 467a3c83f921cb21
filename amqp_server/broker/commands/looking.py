"""The commands that look at the messages of a queue without taking any.

RabbitMQ's HTTP API can only take messages and put them back, which marks them as redelivered. A
look goes through a queue piece by piece, so that no other client waits for a long one.
"""

from collections.abc import Iterator
from typing import Final

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.asking import require_messages_here
from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import HeldMessages
from amqp_server.broker.errors import NotFoundError, NotSupportedError, UnreadableError
from amqp_server.broker.messages.looks import HeldPlace, Holder, Look, Scan, Wanted
from amqp_server.broker.queue import NOBODY, Queue
from amqp_server.broker.request_rights import asker_of
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from queues.looking import LOOK_COUNT_MAX, POSITION_STOP, LookedMessage, LookedSlice, LookPlace
from queues.offset_spec import OffsetKind, OffsetSpec

HELD_PIECE_MAX: Final = 64
"""Deliveries of a channel that are looked at between two looks at the time."""


class LookingCommands:
    """The commands that look; see ``broker.admin``.

    ``username`` is who asks, and must have the right to read from the queue.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def peek(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        start: LookPlace | OffsetSpec | None,
        number: int,
        wanted: Wanted,
    ) -> Steps[Look]:
        """Show ready messages, or those of a stream, in the order of delivery.

        Args:
            now_ms: the time.
            vhost: of the queue.
            name: of the queue.
            username: who asks; None is the operator.
            start: where to begin; None is behind the first ``number`` messages.
            number: how many messages are before ``start``.
            wanted: what to show.

        Raises:
            NotFoundError: no such vhost or queue, or it was deleted meanwhile.
            AccessRefusedError: no right to read.
            ResourceLockedError: the queue belongs to a connection.
            NotSupportedError: an offset is for streams alone.
            UnreadableError: the disk could not be read, or another node leads the queue.
        """
        queue = self._queue(vhost, name, username)
        require_messages_here(queue)
        wall_offset_ms = self._broker.wall_ms(now_ms) - now_ms
        place: LookPlace | None
        passed_count = 0
        if isinstance(start, OffsetSpec):
            place = _offset_place(queue, start, now_ms)
        elif start is None:
            place, passed_count = queue.engine.passing_by(number)
            if place is None:
                return Scan(wanted, number, 0, 0).look(queue.engine.ready_count, None)
        else:
            place = start
        scan = Scan(wanted, number - passed_count, passed_count, wall_offset_ms)
        place = yield from _scanning(queue, scan, place, self._broker.turn)
        return scan.look(queue.engine.ready_count, place)

    def peek_unacked(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        start: HeldPlace | None,
        number: int,
        wanted: Wanted,
    ) -> Steps[Look]:
        """Show messages that are delivered and not settled, channel by channel.

        Args:
            now_ms: the time.
            vhost: of the queue.
            name: of the queue.
            username: who asks; None is the operator.
            start: where to begin; None is before the first ``number`` messages.
            number: how many messages are before ``start``, or are passed by.
            wanted: what to show.

        Raises:
            NotFoundError, AccessRefusedError, ResourceLockedError: as ``peek``.
        """
        queue = self._queue(vhost, name, username)
        before_count, passed_count = (0, number) if start is None else (number, 0)
        scan = Scan(wanted, before_count, passed_count, self._broker.wall_ms(now_ms) - now_ms)
        turn = self._broker.turn
        scan.note_time(turn.now_ms)
        for found in self._all_held(start or HeldPlace()):
            if found is None:
                yield
                scan.note_time(turn.now_ms)
                _check_is_there(queue)
                continue
            connection, channel, each = found
            if (each.queue_name, each.vhost) != (name, vhost):
                continue
            for at, message in enumerate(_messages_of(each)):
                place = HeldPlace(connection, channel, each.first_tag + at)
                if scan.is_done():
                    return scan.look(queue.engine.counts().unacked_count, place)
                scan.see(message, place, _holder_of(each, at, place, now_ms))
                if scan.is_piece_over():
                    yield
                    scan.note_time(turn.now_ms)
        return scan.look(queue.engine.counts().unacked_count, None)

    def _queue(self, vhost: str, name: str, username: str | None) -> Queue:
        found = self._broker.vhost(vhost)
        asker_of(self._broker.users, username, found).require(Permission.READ, "queue", name)
        return found.queues.get(name, NOBODY)

    def _all_held(self, place: HeldPlace) -> Iterator[tuple[int, int, HeldMessages] | None]:
        """Yield deliveries behind a place, by connection and channel; None is time for others."""
        numbers = self._broker.numbered.numbers
        while (number := next(numbers.in_order().irange(place.connection), None)) is not None:
            if number != place.connection:
                place = HeldPlace(number)
            connection = self._broker.numbered.find(number)
            channels = {} if connection is None else connection.channels
            behind = [at for at in channels if at >= place.channel and not channels[at].is_closing]
            if behind:
                channel = min(behind)
                tag = place.tag if channel == place.channel else 0
                held = channels[channel].held(tag, HELD_PIECE_MAX)
                place = HeldPlace(number, channel + 1)
                if held:
                    place = HeldPlace(number, channel, held[-1].first_tag + len(held[-1].batch))
                yield from [(number, channel, each) for each in held]
            else:
                place = HeldPlace(number + 1)
            yield None


def _scanning(queue: Queue, scan: Scan, place: LookPlace, turn: Turn) -> Steps[LookPlace | None]:
    """Look at ready messages from a place on; return where to go on, None behind the last one."""
    scan.note_time(turn.now_ms)
    while not scan.is_done():
        try:
            found = queue.engine.look(place, min(scan.wanted_count, LOOK_COUNT_MAX))
        except OSError as error:
            raise UnreadableError(f"{queue.text} cannot be read now: {error.strerror}") from error
        if found.place is None:
            return None
        for each in found.slices:
            for message in each.messages():
                here = LookPlace(found.place.lane, message.position)
                if scan.is_done():
                    return here
                scan.see(message, here)
                if scan.is_piece_over():
                    yield
                    scan.note_time(turn.now_ms)
        place = found.place
        yield
        scan.note_time(turn.now_ms)
        _check_is_there(queue)
    return place


def _check_is_there(queue: Queue) -> None:
    """Refuse to go on with a queue that was deleted meanwhile.

    Raises:
        NotFoundError: it was.
    """
    if queue.is_deleted:
        raise NotFoundError(f"no {queue.text}")


def _offset_place(queue: Queue, spec: OffsetSpec, now_ms: int) -> LookPlace:
    stream = queue.stream
    if stream is None:
        raise NotSupportedError(f"{queue.text} is no stream")
    first = stream.first_offset_of(spec, now_ms)
    if spec.kind is OffsetKind.OFFSET:
        first = max(first, spec.value)
    return LookPlace(0, first)


def _messages_of(held: HeldMessages) -> Iterator[LookedMessage]:
    batch = held.batch
    return LookedSlice(
        batch.records,
        batch.positions,
        0 if batch.expires_at_ms is None else batch.expires_at_ms,
        POSITION_STOP if batch.redelivered else 0,
        batch.delivery_count,
    ).messages()


def _holder_of(held: HeldMessages, at: int, place: HeldPlace, now_ms: int) -> Holder:
    tags = held.consumer_tags
    return Holder(
        place.connection,
        place.channel,
        place.tag,
        tags[at % len(tags)] if tags else "",
        max(now_ms - held.delivered_at_ms, 0),
    )
