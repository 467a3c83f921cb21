"""ConsumerUpdate: a client is told that a subscription begins or stops to read, and answers.

Nothing is sent to a subscription that becomes active before the answer, which says where to begin.

Source: RabbitMQ, rabbit_stream_reader; stream protocol, ConsumerUpdate.
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.groups.single_active import PLAIN, ConsumerGroups, GroupKey
from amqp_server.broker.steps import Steps, StepsJob, WaitingSteps
from amqp_server.broker.super_streams import partitions_of
from amqp_server.broker.vhost import Vhost
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.asking import asked_begin
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import U8, U32, Fields
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import Code, CommandKey
from amqp_server.stream_protocol.offset_specs import offset_spec
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.subscription import Subscription, begin
from queues.offset_spec import OffsetSpec

ANSWER_TIMEOUT_MS: Final = 60_000
SUPER_STREAM: Final = "super-stream"


class _Member:
    """A subscription in its group; a ``single_active.Member``.

    Attributes:
        told_last: correlation id of what its client was told last.
    """

    __slots__ = ("reads", "subscription", "told_last", "updates")

    def __init__(self, subscription: Subscription, updates: "ConsumerUpdates") -> None:
        self.subscription = subscription
        self.updates = updates
        self.told_last = 0
        self.reads = False

    def tell(self, *, is_active: bool) -> None:
        self.updates.tell(self, is_active=is_active)


class ConsumerUpdates:
    """The groups that the subscriptions of a connection are in, and what its client was told.

    Attributes:
        due_ms: when the oldest answer must have come (instant); None while none is awaited.
    """

    __slots__ = ("_groups", "_members", "_next_id", "_outbox", "_session", "_told", "due_ms")

    def __init__(self, session: StreamSession, outbox: Outbox, groups: ConsumerGroups) -> None:
        self._session = session
        self._outbox = outbox
        self._groups = groups
        self._members: dict[Subscription, _Member] = {}
        self._told: dict[int, tuple[_Member, bool, int]] = {}
        self._next_id = 1
        self.due_ms: int | None = None

    def has_room(self, group: GroupKey) -> bool:
        """Return whether a group takes one more member, as far as is known here."""
        return self._groups.has_room(group)

    def join(self, subscription: Subscription) -> None:
        """Let a subscription join its group."""
        assert subscription.group is not None, "it is in one"
        member = self._members[subscription] = _Member(subscription, self)
        self._groups.join(subscription.group, member, subscription.partition_index)

    def leave(self, subscription: Subscription) -> None:
        """Let a subscription leave its group, if it is in one."""
        member = self._members.pop(subscription, None)
        if member is None:
            return
        assert subscription.group is not None, "it is in one"
        for correlation_id, (told, _, _) in list(self._told.items()):
            if told is member:
                del self._told[correlation_id]
        self._look()
        self._groups.leave(subscription.group, member)

    def reads(self, subscription: Subscription) -> bool:
        """Whether a subscription reads: it is in no group, or the active one and has answered."""
        if subscription.group is None:
            return True
        member = self._members.get(subscription)
        return member is not None and member.reads

    def tell(self, member: _Member, *, is_active: bool) -> None:
        """Tell the client whether a subscription is active."""
        if not is_active:
            member.reads = False
            member.subscription.stream.detach(member.subscription)
        correlation_id = self._next_id
        self._next_id = correlation_id % 0x7FFF_FFFF + 1
        now_ms = self._session.broker.turn.now_ms
        member.told_last = correlation_id
        self._told[correlation_id] = member, is_active, now_ms + ANSWER_TIMEOUT_MS
        self._look()
        number = member.subscription.subscription_id
        body = U32.pack(correlation_id) + U8.pack(number) + U8.pack(is_active)
        self._outbox.write(frame(CommandKey.CONSUMER_UPDATE, body))

    def answered(self, fields: Fields, now_ms: int) -> None:
        """Take the answer of the client; octets behind it are ignored, as some clients send them.

        An answer that nobody waits for is ignored, and one to what was told before the last.
        """
        correlation_id, code, spec = fields.u32(), fields.u16(), offset_spec(fields)
        told = self._told.pop(correlation_id, None)
        self._look()
        if told is None or told[0].told_last != correlation_id:
            return
        member, is_active, _ = told
        subscription = member.subscription
        assert subscription.group is not None, "it was told of its group"
        if not is_active:
            self._groups.answered(subscription.group, member)
            return
        if spec is None or code != Code.OK:
            spec = subscription.spec
        if subscription.queue.stream is not None:
            self._begin(member, None, spec, now_ms)
        else:
            turn = self._session.broker.turn
            turn.resume(StepsJob(self._asking(member, correlation_id, spec), turn))

    def _asking(self, member: _Member, correlation_id: int, spec: OffsetSpec) -> WaitingSteps[None]:
        """Begin at a mirror where one would at the leader: what was stored may not be here yet."""
        try:
            offset = yield from asked_begin(self._session, member.subscription.queue.name, spec)
        except RefusedError:
            return
        if member.told_last == correlation_id:
            self._begin(member, offset, spec, self._session.broker.turn.now_ms)

    def _begin(self, member: _Member, offset: int | None, spec: OffsetSpec, now_ms: int) -> None:
        """Let a member read, if it still may.

        Args:
            member: that was told to.
            offset: of the first message; None is by what this node has.
            spec: where it asks to begin.
            now_ms: the time.
        """
        subscription = member.subscription
        if self._members.get(subscription) is not member or subscription.group is None:
            return
        if self._groups.is_active(subscription.group, member):
            member.reads = True
            if offset is None:
                begin(subscription, spec, now_ms)
            else:
                subscription.offset = offset
                subscription.stream.attach(subscription)

    def end(self) -> None:
        """End with the connection."""
        for subscription in list(self._members):
            self.leave(subscription)

    def _look(self) -> None:
        dues = [due_ms for _, _, due_ms in self._told.values()]
        self.due_ms = min(dues, default=None)


def partition_index(vhost: Vhost, properties: Mapping[str, str], stream: str) -> Steps[int]:
    """Return the place of a stream in the super stream that the properties name, or ``PLAIN``."""
    name = properties.get(SUPER_STREAM)
    if name is None:
        return PLAIN
    try:
        names = yield from partitions_of(vhost, name)
    except NotFoundError:
        return PLAIN
    return names.index(stream) if stream in names else PLAIN
