"""The publishers of one connection: declared, publishing, deleted.

A publisher with a reference has each of its publishing ids stored once: what comes again is not
written, and confirmed when the first one is. So behind an id that was refused, while a stream of a
cluster is handed over, nothing more is taken: the lower one would count as stored. The client is
told to look for the stream again, as where its leader changes.

Source: RabbitMQ, rabbit_stream_reader; stream protocol, DeclarePublisher, Publish.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.stream_counts import StreamPublisherView
from amqp_server.broker.stream_numbers import PUBLISHING_ID
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.asking import asked_numbers
from amqp_server.stream_protocol.confirms import (
    ID_BYTES,
    AwaitedConfirms,
    Counted,
    write_errors,
)
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import U64, Fields
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.publish_frame import Piece, PublishFrames, new_of
from amqp_server.stream_protocol.session import StreamSession
from persistence.streams.chunk import REFERENCE_BYTES_MAX
from persistence.streams.gathering import Appended
from queues.stream_port import StreamQueue


@dataclass(slots=True, eq=False)
class Publisher:
    """One publisher.

    Attributes:
        reference: what its publishing ids are stored under; empty is none.
        counted: its number on the connection, and its entries.
    """

    queue: Queue
    stream: StreamQueue
    reference: bytes
    counted: Counted

    def view(self, connection_number: int, vhost: str) -> StreamPublisherView:
        """Return how it is."""
        counted = self.counted
        return StreamPublisherView(
            connection_number,
            counted.publisher_id,
            self.queue.name,
            vhost,
            self.reference.decode("utf-8", "surrogateescape"),
            counted.published,
            counted.confirmed,
            counted.errored,
        )


def _is_led_elsewhere(queue: Queue, stream: StreamQueue) -> bool:
    """Return whether this node does not lead a stream any more, or leads it anew."""
    return queue.stream is not stream


def _is_lost() -> bool:
    return True


class Publishers:
    """The publishers of a connection.

    Args:
        session: of the connection.
        outbox: of the connection.
        awaited: its publishes that are not safe yet.
        on_refused: ends the publishers of a stream, and has the client look for it again.
    """

    __slots__ = ("_by_id", "_on_refused", "_outbox", "_session", "awaited")

    def __init__(
        self,
        session: StreamSession,
        outbox: Outbox,
        awaited: AwaitedConfirms,
        on_refused: Callable[[Queue], None],
    ) -> None:
        self._session = session
        self._on_refused = on_refused
        self._outbox = outbox
        self._by_id: dict[int, Publisher] = {}
        self.awaited = awaited

    def __len__(self) -> int:
        return len(self._by_id)

    def declare(self, fields: Fields, _now_ms: int) -> bytes:
        """Declare a publisher; see DeclarePublisher."""
        publisher_id, reference, name = fields.u8(), fields.string(), fields.string()
        fields.end()
        session = self._session
        octets = reference.encode("utf-8", "surrogateescape")
        if len(octets) > REFERENCE_BYTES_MAX or session.broker.alarms.is_on:
            raise RefusedError(Code.PRECONDITION_FAILED)
        session.require_stream(Permission.WRITE, name)
        is_taken = publisher_id in self._by_id or any(
            octets and each.reference == octets and each.queue.name == name
            for each in self._by_id.values()
        )
        if is_taken:
            raise RefusedError(Code.PRECONDITION_FAILED)
        queue, stream = session.find_stream(name)
        counted = Counted(publisher_id)
        counted.is_lost = partial(_is_led_elsewhere, queue, stream)
        self._by_id[publisher_id] = Publisher(queue, stream, octets, counted)
        session.counters.publisher_count += 1
        return b""

    def delete(self, fields: Fields, _now_ms: int) -> bytes:
        """Delete a publisher; see DeletePublisher."""
        publisher_id = fields.u8()
        fields.end()
        if self._by_id.pop(publisher_id, None) is None:
            raise RefusedError(Code.PUBLISHER_DOES_NOT_EXIST)
        self._session.counters.publisher_count -= 1
        return b""

    def sequence(self, fields: Fields, _now_ms: int) -> WaitingSteps[bytes]:
        """Return the highest publishing id that is stored; see QueryPublisherSequence."""
        reference, name = fields.string(), fields.string()
        fields.end()
        self._session.require_stream(Permission.READ, name)
        octets = reference.encode("utf-8", "surrogateescape")
        (found,) = yield from asked_numbers(self._session, name, PUBLISHING_ID, octets)
        return U64.pack(found or 0)

    def publish(self, run: PublishFrames, now_ms: int) -> None:
        """Publish a run; its confirms and errors come later."""
        publisher_id, pieces, refused_ids, _ = run
        outbox = self._outbox
        declared = publisher = self._by_id.get(publisher_id)
        code = Code.PUBLISHER_DOES_NOT_EXIST
        if publisher is not None and (publisher.queue.is_deleted or publisher.counted.is_lost()):
            # Its client has not been told yet.
            publisher, code = None, Code.STREAM_NOT_AVAILABLE
        elif publisher is not None:
            try:
                self._session.require_stream(Permission.WRITE, publisher.queue.name)
            except RefusedError as refused:
                publisher, code = None, refused.code
        if publisher is None:
            ids = b"".join([piece.ids for piece in pieces]) + refused_ids
            self._session.counters.note_error(code.name)
            if declared is not None:
                declared.counted.published += len(ids) // ID_BYTES
                declared.counted.errored += len(ids) // ID_BYTES
            write_errors(outbox, publisher_id, ids, code)
            return
        for piece in pieces:
            publisher.counted.published += len(piece.ids) // ID_BYTES
            self._publish_piece(publisher, piece, now_ms)
        counters = self._session.counters
        count = sum([len(piece.ids) for piece in pieces]) // ID_BYTES
        counters.received_count += count
        counters.routed_count += count
        if refused_ids:
            counters.note_error(Code.PRECONDITION_FAILED.name)
            publisher.counted.published += len(refused_ids) // ID_BYTES
            publisher.counted.errored += len(refused_ids) // ID_BYTES
            write_errors(outbox, publisher_id, refused_ids, Code.PRECONDITION_FAILED)
        if publisher.counted.is_lost():
            self._on_refused(publisher.queue)

    def forget_stream(self, queue: Queue) -> bool:
        """Forget the publishers of a stream that is gone; return whether there were any."""
        gone = [number for number, each in self._by_id.items() if each.queue is queue]
        for number in gone:
            del self._by_id[number]
        self._session.counters.publisher_count -= len(gone)
        return bool(gone)

    def queues(self) -> Iterable[Queue]:
        """Return the streams that it publishes to."""
        return dict.fromkeys([each.queue for each in self._by_id.values()])

    def views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamPublisherView]:
        """Return some of them; see ``broker.stream_counts.OpenStreams``."""
        vhost = self._session.vhost_name
        numbers = sorted([number for number in self._by_id if number > after])[:max_count]
        return [self._by_id[number].view(connection_number, vhost) for number in numbers]

    def end(self) -> None:
        """End with the connection."""
        self._session.counters.publisher_count -= len(self._by_id)
        self._by_id.clear()
        self._on_refused = _nobody_is_told
        self.awaited.forget()

    def _publish_piece(self, publisher: Publisher, piece: Piece, now_ms: int) -> None:
        stream, reference = publisher.stream, publisher.reference
        if reference:
            known = stream.log.publishing_id(reference)
            known = -1 if known is None else known
            if piece.lowest_id <= known or not piece.is_ascending:
                self._publish_new(publisher, piece, known, now_ms)
                return
        lsn = stream.append(
            Appended(
                (piece.entries,),
                piece.entry_count,
                piece.record_count,
                piece.filter_values,
                reference,
                piece.highest_id if reference else 0,
                has_values_beside=True,
            ),
            now_ms,
        )
        self._await(publisher, piece, lsn, is_appended=True)

    def _publish_new(self, publisher: Publisher, piece: Piece, known: int, now_ms: int) -> None:
        """Append the entries that are not stored; the others wait for what was appended last."""
        stream = publisher.stream
        new = new_of(piece, known)
        lsn = stream.log.appended_lsn
        if new.entry_count:
            appended = Appended(
                (new.entries,),
                new.entry_count,
                new.record_count,
                piece.filter_values,
                publisher.reference,
                new.highest_id,
                has_values_beside=True,
            )
            lsn = stream.append(appended, now_ms)
        self._await(publisher, piece, lsn, is_appended=bool(new.entry_count))

    def _await(self, publisher: Publisher, piece: Piece, lsn: int, *, is_appended: bool) -> None:
        group = publisher.stream.commit_group
        may_be_safe = self.awaited.confirm(publisher.counted, piece.ids, group, lsn)
        if publisher.reference and is_appended and not may_be_safe:
            publisher.counted.is_lost = _is_lost


def _nobody_is_told(_queue: Queue) -> None:
    """Replaces the connection once it is over."""
