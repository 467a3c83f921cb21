"""The subscriptions of one connection: they begin, get credit, and end.

Source: RabbitMQ, rabbit_stream_reader; stream protocol, Subscribe, Credit, Unsubscribe.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.groups.single_active import GroupKey
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.broker.stream_counts import StreamConsumerView
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.asking import asked_begin
from amqp_server.stream_protocol.consumer_updates import ConsumerUpdates, partition_index
from amqp_server.stream_protocol.errors import MalformedFrameError, RefusedError
from amqp_server.stream_protocol.fields import U8, U16, Fields
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, VERSION_1, Code, CommandKey
from amqp_server.stream_protocol.offset_specs import offset_spec
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.subscription import Subscription, properties_bytes
from persistence.streams.chunk import REFERENCE_BYTES_MAX
from queues.stream_port import Served

SINGLE_ACTIVE: Final = "single-active-consumer"
NAME: Final = "name"
_CREDIT_MAX: Final = 0xFFFF

PROPERTIES_BYTES_MAX: Final = 1 << 20
"""Properties of all subscriptions of a connection: they are kept, in four times the memory."""


class _Nobody:
    """A reader that is served nowhere."""

    def serve(self, max_count: int, now_ms: int) -> Served:
        """Get nothing."""
        raise AssertionError(f"it is never attached: {max_count}, {now_ms}")


_NOBODY: Final = _Nobody()


class Subscriptions:
    """The subscriptions of a connection."""

    __slots__ = ("_by_id", "_joining", "_outbox", "_session", "_starved", "_updates")

    def __init__(self, session: StreamSession, outbox: Outbox, updates: ConsumerUpdates) -> None:
        self._session = session
        self._outbox = outbox
        self._updates = updates
        self._by_id: dict[int, Subscription] = {}
        self._starved: dict[Subscription, None] = {}
        self._joining: Subscription | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def are_starved(self) -> bool:
        """Whether any waits for room in the output."""
        return bool(self._starved)

    def subscribe(self, fields: Fields, now_ms: int) -> WaitingSteps[bytes]:
        """Begin a subscription; its first chunk comes behind the answer; see Subscribe."""
        subscription_id, name, spec = fields.u8(), fields.string(), offset_spec(fields)
        credit = fields.u16()
        properties = {} if fields.is_at_end else (yield from fields.map_in_steps())
        fields.end()
        if spec is None:
            raise MalformedFrameError("a subscription begins somewhere")
        session = self._session
        session.require_stream(Permission.READ, name)
        group = self._group_of(name, properties)
        _, looked_at = session.find_to_read(name)
        try:
            index = yield from partition_index(session.open_vhost, properties, name)
            begin = (yield from asked_begin(session, name, spec)) if group is None else None
            self._require_room(subscription_id, properties, group)
            queue, stream = session.find_to_read(name)
        except BaseException:
            # The engine of a mirror is there for its readers, and has none by this one.
            looked_at.detach(_NOBODY)
            raise
        subscription = Subscription(
            subscription_id,
            queue,
            stream,
            properties,
            self._outbox,
            on_held=self._hold,
            deliver_version=session.deliver_version,
            counters=session.counters,
        )
        subscription.credit = credit
        subscription.spec = spec
        subscription.partition_index = index
        if group is not None:
            subscription.group = group._replace(stored_id=queue.stored_id)
        self._by_id[subscription_id] = subscription
        stream.subscription_count += 1
        session.counters.consumer_count += 1
        if subscription.group is None:
            # The first chunk leaves in a write of its own: clients learn of the subscription from
            # the answer, and some take a chunk of the same read before they have.
            offset = stream.first_offset_of(spec, now_ms) if begin is None else begin
            subscription.offset = offset
            self._hold(subscription)
        else:
            self._joining = subscription
        return b""

    def _require_room(
        self, subscription_id: int, properties: Mapping[str, str], group: GroupKey | None
    ) -> None:
        held = sum([properties_bytes(each.properties) for each in self._by_id.values()])
        is_full = group is not None and not self._updates.has_room(group)
        if is_full or held + properties_bytes(properties) > PROPERTIES_BYTES_MAX:
            raise RefusedError(Code.PRECONDITION_FAILED)
        if subscription_id in self._by_id:
            raise RefusedError(Code.SUBSCRIPTION_ID_ALREADY_EXISTS)

    def _group_of(self, stream: str, properties: Mapping[str, str]) -> GroupKey | None:
        if properties.get(SINGLE_ACTIVE) != "true":
            return None
        name = properties.get(NAME, "")
        if not 0 < len(name.encode("utf-8", "surrogateescape")) <= REFERENCE_BYTES_MAX:
            raise RefusedError(Code.PRECONDITION_FAILED)
        return GroupKey(self._session.vhost_name, stream, name)

    def join_group(self) -> None:
        """Let a subscription whose client was just answered join its group, if it has one."""
        subscription, self._joining = self._joining, None
        if subscription is not None:
            self._updates.join(subscription)

    def unsubscribe(self, fields: Fields, _now_ms: int) -> bytes:
        """End a subscription; see Unsubscribe."""
        subscription_id = fields.u8()
        fields.end()
        subscription = self._by_id.pop(subscription_id, None)
        if subscription is None:
            raise RefusedError(Code.SUBSCRIPTION_ID_DOES_NOT_EXIST)
        self._end(subscription)
        return b""

    def credit(self, fields: Fields) -> None:
        """Take credit; only an error is answered; see Credit."""
        subscription_id, credit = fields.u8(), fields.u16()
        fields.end()
        subscription = self._by_id.get(subscription_id)
        if subscription is None:
            self._refuse_credit(subscription_id, Code.SUBSCRIPTION_ID_DOES_NOT_EXIST)
            return
        had_none = not subscription.credit
        subscription.credit = min(subscription.credit + credit, _CREDIT_MAX)
        if not self._updates.reads(subscription):
            self._refuse_credit(subscription_id, Code.PRECONDITION_FAILED)
        elif had_none and subscription.credit:
            subscription.stream.attach(subscription)

    def _refuse_credit(self, subscription_id: int, code: Code) -> None:
        self._session.counters.note_error(code.name)
        body = U16.pack(code) + U8.pack(subscription_id)
        self._outbox.write(frame(CommandKey.CREDIT | RESPONSE, body, VERSION_1))

    def room_came(self) -> None:
        """Go on with those that waited for room in the output."""
        starved, self._starved = self._starved, {}
        for subscription in starved:
            # One that was told to stop meanwhile begins with the answer of its client.
            if self._updates.reads(subscription):
                subscription.stream.attach(subscription)

    def forget_stream(self, queue: Queue) -> bool:
        """Forget the subscriptions of a stream that is gone; return whether there were any."""
        gone = [number for number, each in self._by_id.items() if each.queue is queue]
        for number in gone:
            self._end(self._by_id.pop(number))
        return bool(gone)

    def move(self, queue: Queue) -> bool:
        """Have a stream be read at the engine that this node has now; return whether it has one."""
        stream = queue.stream_to_read
        if stream is None:
            return False
        for subscription in self._by_id.values():
            before = subscription.stream
            if subscription.queue is queue and before is not stream:
                before.subscription_count -= 1
                before.detach(subscription)
                subscription.stream = stream
                stream.subscription_count += 1
                if self._updates.reads(subscription) and subscription not in self._starved:
                    stream.attach(subscription)
        return True

    def queues(self) -> Iterable[Queue]:
        """Return the streams that it reads."""
        return dict.fromkeys([each.queue for each in self._by_id.values()])

    def views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamConsumerView]:
        """Return some of them; see ``broker.stream_counts.OpenStreams``."""
        vhost, reads = self._session.vhost_name, self._updates.reads
        numbers = sorted([number for number in self._by_id if number > after])[:max_count]
        found = [self._by_id[number] for number in numbers]
        return [each.view(connection_number, vhost, is_active=reads(each)) for each in found]

    def ending(self) -> Steps[None]:
        """End with the connection."""
        while self._by_id:
            _, subscription = self._by_id.popitem()
            self._end(subscription)
            yield

    def _hold(self, subscription: Subscription) -> None:
        self._starved[subscription] = None

    def _end(self, subscription: Subscription) -> None:
        subscription.is_over = True
        subscription.stream.subscription_count -= 1
        self._session.counters.consumer_count -= 1
        subscription.stream.detach(subscription)
        self._updates.leave(subscription)
        self._starved.pop(subscription, None)
