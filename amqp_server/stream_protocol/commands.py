"""The commands of an open connection: requests with their answers, and frames without.

Source: RabbitMQ, rabbit_stream_reader.
"""

import logging
from collections.abc import Callable, Sequence

from amqp_server.broker.groups.single_active import ConsumerGroups
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.broker.stream_counts import StreamConsumerView, StreamPublisherView
from amqp_server.connections.intake import Intake
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.reading import Reading
from amqp_server.stream_protocol.confirms import AwaitedConfirms
from amqp_server.stream_protocol.consumer_updates import ConsumerUpdates
from amqp_server.stream_protocol.dispatch import CHANGES_DEFINITIONS, Answered, handlers
from amqp_server.stream_protocol.errors import (
    MalformedFrameError,
    StreamProtocolError,
)
from amqp_server.stream_protocol.fields import U16, U32, U64, Fields, string
from amqp_server.stream_protocol.frames import Event, Frame, answer, frame
from amqp_server.stream_protocol.keys import (
    RESPONSE,
    VERSION_1,
    Code,
    CommandKey,
    name_of,
)
from amqp_server.stream_protocol.publish_frame import PublishFrames
from amqp_server.stream_protocol.publishers import Publishers
from amqp_server.stream_protocol.requests import Requests
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.streams import store_offset
from amqp_server.stream_protocol.subscriptions import Subscriptions
from queues.commits import is_safe, wait_for

log = logging.getLogger(__name__)

_ZERO: dict[int, bytes] = {
    CommandKey.QUERY_OFFSET: U64.pack(0),
    CommandKey.QUERY_PUBLISHER_SEQUENCE: U64.pack(0),
    CommandKey.ROUTE: U32.pack(0),
    CommandKey.PARTITIONS: U32.pack(0),
    CommandKey.STREAM_STATS: U32.pack(0),
}
"""What stands behind the code of a refusal, where clients read it in any case."""


_BEGINS_TO_USE = frozenset({CommandKey.DECLARE_PUBLISHER, CommandKey.SUBSCRIBE})
"""Requests after which the end of a stream matters to the client."""


class Commands:
    """The commands of one connection.

    Attributes:
        session: of the connection.
    """

    def __init__(
        self,
        session: StreamSession,
        groups: ConsumerGroups,
        outbox: Outbox,
        intake: Intake[Event, StreamProtocolError],
        reading: Reading,
        on_fault: Callable[[StreamProtocolError, int], None],
    ) -> None:
        """Begin with a connection.

        Args:
            session: of the connection.
            groups: of the node.
            outbox: of the connection.
            intake: of the connection.
            reading: of the connection.
            on_fault: ends the connection for a frame that is none.
        """
        self.session = session
        self._on_fault = on_fault
        self._outbox = outbox
        self._intake = intake
        self._reading = reading
        self._unconfirmed_max = session.settings.unconfirmed_max
        self._resume_at = session.settings.unconfirmed_max // 4
        self._waits_for_confirms = False
        awaited = AwaitedConfirms(outbox, self._fewer_wait, session.counters, session.broker.turn)
        self._publishers = Publishers(session, outbox, awaited, self.queue_led_elsewhere)
        self._updates = ConsumerUpdates(session, outbox, groups)
        self._subscriptions = Subscriptions(session, outbox, self._updates)
        self._handlers = handlers(session, self._publishers, self._subscriptions)
        self._requests = Requests(self, self._handle, self._look_up, intake, session.broker.turn)
        self._watched: dict[Queue, None] = {}
        self._is_over = False

    @property
    def are_starved(self) -> bool:
        """Whether a subscription waits for room in the output."""
        return self._subscriptions.are_starved

    @property
    def due_ms(self) -> int | None:
        """When an answer of the client must have come."""
        return self._updates.due_ms

    def publisher_views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamPublisherView]:
        """Return some publishers; see ``broker.stream_counts.OpenStreams``."""
        return self._publishers.views(connection_number, after, max_count)

    def consumer_views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamConsumerView]:
        """Return some subscriptions; see ``broker.stream_counts.OpenStreams``."""
        return self._subscriptions.views(connection_number, after, max_count)

    def room_came(self) -> None:
        """Go on with the subscriptions that waited for room."""
        self._subscriptions.room_came()

    def on_frame(self, event: Frame, now_ms: int) -> None:
        """Carry one frame out.

        Raises:
            MalformedFrameError: no command has such a frame.
        """
        key, version, body = event
        if version != VERSION_1 or key == CommandKey.PUBLISH:
            raise MalformedFrameError(f"no version {version} of {name_of(key)}")
        try:
            self._carry_out(key, body, now_ms)
        except MalformedFrameError as error:
            raise MalformedFrameError(f"{name_of(key)}: {error}") from error

    def _carry_out(self, key: int, body: bytes, now_ms: int) -> None:
        if key == CommandKey.CREDIT:
            self._subscriptions.credit(Fields(body))
        elif key == CommandKey.STORE_OFFSET:
            store_offset(self.session, Fields(body), now_ms)
            self._heed_congestion()
        elif key == CommandKey.CONSUMER_UPDATE | RESPONSE:
            self._updates.answered(Fields(body), now_ms)
        elif key in self._handlers:
            self._requests.take(key, body, now_ms)
        else:
            raise MalformedFrameError(f"no command has the key {key:#x}")

    def ending(self) -> Steps[None]:
        """Give everything back, because the connection is over."""
        self._is_over = True
        self._requests.end()
        for queue in self._watched:
            queue.watchers.pop(self, None)
        self._watched.clear()
        yield from self._subscriptions.ending()
        self._updates.end()
        self._publishers.end()
        self._handlers = {}
        self._on_fault = _nobody_listens

    def queue_led_elsewhere(self, queue: Queue) -> None:
        """Hear that this node leads a stream no more: the client is to look where it is."""
        queue.watchers.pop(self, None)
        self.queue_deleted(queue)

    def queue_led_here(self, queue: Queue) -> None:
        """Hear that this node leads a stream now: who has read its mirror goes on at the leader."""
        if not self._subscriptions.move(queue):
            self.queue_led_elsewhere(queue)

    def queue_deleted(self, queue: Queue) -> None:
        """Hear that a stream is gone: its publishers and subscriptions are too."""
        self._watched.pop(queue, None)
        had_publishers = self._publishers.forget_stream(queue)
        had_subscriptions = self._subscriptions.forget_stream(queue)
        if (had_publishers or had_subscriptions) and not self._is_over:
            body = U16.pack(Code.STREAM_NOT_AVAILABLE) + string(queue.name)
            self._outbox.write(frame(CommandKey.METADATA_UPDATE, body))

    # ── requests ──

    def _handle(self, key: int, fields: Fields, now_ms: int) -> Answered:
        return self._handlers[key](fields, now_ms)

    def _look_up(self, name: str) -> WaitingSteps[None] | None:
        """Have a stream or super stream in the tables, if the store of a cluster has it.

        One that is in the tables is waited for, if this node is to lead it.
        """
        broker, vhost = self.session.broker, self.session.vhost_name
        if broker.cluster is not None and self.session.open_vhost.queues.find(name) is not None:
            return broker.cluster.stream_served(vhost, name).value()
        decisions = broker.decisions
        if decisions is None:
            return None
        return decisions.looking_up(vhost, queues=(name,), exchanges=(name,))

    def input_ended(self) -> None:
        """Hear that the client sends nothing more, and may still read its answers."""
        if not self._outbox.is_abandoned:
            self._requests.input_ended()

    def refuse(self, key: int, correlation_id: int, code: Code) -> None:
        """Answer a request with another code than OK."""
        if code is not Code.NO_OFFSET:
            self.session.counters.note_error(code.name)
            log.warning(
                "refused %s command=%s code=%d %s",
                self.session,
                name_of(key),
                code,
                code.name,
            )
        self._outbox.write(answer(key, correlation_id, code, _ZERO.get(key, b"")))

    def answer(self, key: int, correlation_id: int, octets: bytes) -> None:
        """Answer a request."""
        if key in _BEGINS_TO_USE:
            self._watch()
        if key == CommandKey.METADATA:
            # The one answer without a code: each stream has its own.
            written = frame(key | RESPONSE, U32.pack(correlation_id) + octets)
        else:
            written = answer(key, correlation_id, Code.OK, octets)
        if key in CHANGES_DEFINITIONS:
            self._hold_until_safe()
        self._outbox.write(written)
        if key == CommandKey.SUBSCRIBE:
            self._subscriptions.join_group()

    def _hold_until_safe(self) -> None:
        """Hold the answer to a change until the change is on disk."""
        safe_at = self.session.broker.journal.safe_at
        if not is_safe(safe_at):
            self._outbox.hold()
            wait_for(safe_at, self._outbox.release)

    def fail(self, error: StreamProtocolError, now_ms: int) -> None:
        """End the connection: the frame of a request was found to be none in a later step."""
        self._on_fault(error, now_ms)

    def _watch(self) -> None:
        """Hear of the end of each stream that is read or written here."""
        for queue in (*self._publishers.queues(), *self._subscriptions.queues()):
            if queue not in self._watched:
                self._watched[queue] = None
                queue.watchers[self] = None

    # ── publishing ──

    def publish(self, run: PublishFrames, now_ms: int) -> None:
        """Carry Publish frames out.

        Raises:
            MalformedFrameError: no command has such a frame.
        """
        if run.fault is not None:
            raise run.fault
        broker = self.session.broker
        if broker.alarms.is_on:
            self._reading.block()
        self._publishers.publish(run, now_ms)
        if self._publishers.awaited.count > self._unconfirmed_max:
            if not self._waits_for_confirms:
                self._waits_for_confirms = True
                self._intake.hold()
        else:
            self._heed_congestion()

    def _heed_congestion(self) -> None:
        """Carry nothing more out while the disk has too much to write."""
        congestion = self.session.broker.congestion
        if congestion.is_on:
            self._intake.hold()
            congestion.wait(self._intake.release)

    def _fewer_wait(self) -> None:
        if self._waits_for_confirms and self._publishers.awaited.count <= self._resume_at:
            self._waits_for_confirms = False
            self._intake.release()


def _nobody_listens(_error: StreamProtocolError, _now_ms: int) -> None:
    """Replaces the connection once it is over."""
