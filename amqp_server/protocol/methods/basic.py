"""The methods of class basic (AMQP 0-9-1 §1.8), except publish and ack, which come in runs."""

from types import MappingProxyType
from typing import Final

from pamqp import commands

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import ConsumerArguments, consumer_arguments
from amqp_server.broker.asking import consuming_elsewhere, getting, no_answer
from amqp_server.broker.errors import (
    AccessRefusedError,
    NotAllowedError,
    NotSupportedError,
    ReplyConsumerError,
)
from amqp_server.broker.messages.delivery_header import with_delivery_header
from amqp_server.broker.names import REPLY_TO_QUEUE, strip_line_ends
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.consumer import Consumer, ConsumerProperties, GetOwner
from amqp_server.protocol.counting import count_got
from amqp_server.protocol.errors import NegotiationError
from amqp_server.protocol.fitting import fitted
from amqp_server.protocol.methods.queue import actual_queue_name
from amqp_server.protocol.reply_receiver import ReplyReceiver
from amqp_server.protocol.transaction import Settlement
from amqp_server.wire.content import render_get_ok
from amqp_server.wire.methods import Method, arguments_of
from amqp_server.wire.tables import Table
from queues.asked_port import AskedQueue
from queues.batch import Batch
from queues.errors import ExclusiveUseError
from queues.kinds import Request

CONSUMER_TAG_PREFIX: Final = "amq.ctag"

_NO_ARGUMENTS: Final[Table] = MappingProxyType({})
"""Of most consumers, so that they share it."""


def qos(channel: Channel, method: commands.Basic.Qos, now_ms: int) -> Method:
    """Set the window of later consumers, or the one that all consumers share (global).

    Setting the window of later consumers removes a shared one (RabbitMQ).

    Raises:
        NotSupportedError: a prefetch size in bytes (540).
    """
    if method.prefetch_size:
        raise NotSupportedError(f"prefetch_size!=0 ({method.prefetch_size})")
    if not method.global_:
        channel.consumer_prefetch = method.prefetch_count
    channel.share_prefetch(method.prefetch_count if method.global_ else 0, now_ms)
    return commands.Basic.QosOk()


def consume(
    channel: Channel, method: commands.Basic.Consume, now_ms: int
) -> Method | WaitingSteps[Method | None] | None:
    """Start a consumer; its first delivery comes after consume-ok.

    Where the queue is led on another node, that one decides first whether it may be there.

    Raises:
        NotFoundError: no such queue (404).
        ResourceLockedError: it belongs to another connection (405).
        AccessRefusedError: no right, or another consumer is exclusive (403).
        PreconditionFailedError: a bad argument (406).
        NotAllowedError: the consumer tag is taken (530).
        NotSupportedError: its kind cannot do it, for example under a shared prefetch (540).
        NodeLimitError: the arguments of all consumers take too much memory (506).
    """
    consumer_tag = method.consumer_tag or channel.session.broker.generate_name(CONSUMER_TAG_PREFIX)
    name = actual_queue_name(channel, method.queue)
    if name == REPLY_TO_QUEUE:
        return _consume_replies(channel, method, consumer_tag)
    channel.session.require(Permission.READ, "queue", name)
    _check_new_consumer(channel, consumer_tag)
    queue = channel.session.open_vhost.queues.get(name, channel.session)
    arguments = consumer_arguments(queue.name, queue.vhost_name, queue.kind, arguments_of(method))
    consumer = _consumer(channel, queue, method, consumer_tag, arguments)
    consumer.hold_arguments()
    asked = queue.asked_elsewhere
    if asked is not None:
        return _consuming(channel, method, consumer, asked, now_ms)
    channel.turn.drain_now(queue.engine, now_ms)
    try:
        queue.engine.consume(consumer, now_ms)
    except ExclusiveUseError:
        raise _in_exclusive_use(queue) from None
    channel.add_consumer(consumer)
    return None if method.nowait else _consume_ok(consumer_tag)


def _consuming(
    channel: Channel,
    method: commands.Basic.Consume,
    consumer: Consumer,
    asked: AskedQueue,
    now_ms: int,
) -> WaitingSteps[Method | None]:
    """Start a consumer of a queue that is led on another node."""
    queue, consumer.is_asked_for = consumer.queue, True
    is_there = False
    try:
        yield from consuming_elsewhere(queue, asked, consumer, now_ms)
        if consumer.is_cancelled:
            raise no_answer(queue)
        is_there = not channel.is_closing
    except ExclusiveUseError:
        raise _in_exclusive_use(queue) from None
    finally:
        if not is_there:
            consumer.end()
    if not is_there:
        if not queue.is_deleted:
            queue.engine.cancel(consumer, channel.turn.now_ms)
        return None
    channel.add_consumer(consumer)
    consumer.is_asked_for = False
    queue.engine.credit_regained(consumer)
    return None if method.nowait else _consume_ok(consumer.consumer_tag)


def _in_exclusive_use(queue: Queue) -> AccessRefusedError:
    return AccessRefusedError(f"{queue.text} in exclusive use")


def cancel(
    channel: Channel, method: commands.Basic.Cancel, now_ms: int
) -> Method | WaitingSteps[Method | None] | None:
    """End a consumer; an unknown tag is no error.

    An auto-delete queue whose last consumer it was is gone before the answer.
    """
    consumer_tag = method.consumer_tag or ""
    consumer = channel.consumers.get(consumer_tag)
    channel.cancel_consumer(consumer_tag, now_ms)
    answer = None if method.nowait else commands.Basic.CancelOk(method.consumer_tag)
    if consumer is not None and consumer.queue.is_ended_by_store:
        return _answered_once_gone(channel, consumer.queue, answer, now_ms)
    return answer


def _answered_once_gone(
    channel: Channel, queue: Queue, answer: Method | None, now_ms: int
) -> WaitingSteps[Method | None]:
    decisions = channel.session.broker.decisions
    if decisions is not None:
        yield from decisions.leaving_unused((queue,), now_ms)
    return answer


def get(
    channel: Channel, method: commands.Basic.Get, now_ms: int
) -> Method | WaitingSteps[Method | None] | None:
    """Deliver one message, or say that there is none.

    Raises:
        NotFoundError: no such queue (404).
        ResourceLockedError: it belongs to another connection (405).
        AccessRefusedError: no right (403).
        BrokerError: its kind has no basic.get.
    """
    name = actual_queue_name(channel, method.queue)
    channel.session.require(Permission.READ, "queue", name)
    queue = channel.session.open_vhost.queues.get(name, channel.session)
    queue.check_granted(Request.GET)
    channel.session.open_vhost.queues.refresh(queue, now_ms)
    if not method.no_ack:
        channel.lane.check_may_hold_more()
    asked = queue.asked_for_messages
    if asked is not None and not queue.is_paused:
        return _getting(channel, method, queue, asked, now_ms)
    got = None if queue.is_paused else queue.engine.get(now_ms, no_ack=method.no_ack)
    if got is None:
        channel.counters.got_empty_count += 1
        return commands.Basic.GetEmpty()
    _write_got(channel, method, queue, got, now_ms)
    return None


def _getting(
    channel: Channel, method: commands.Basic.Get, queue: Queue, asked: AskedQueue, now_ms: int
) -> WaitingSteps[Method | None]:
    """Get a message of a queue that is led on another node, or may deliver nothing now."""
    batch, ready_count = yield from getting(queue, asked, now_ms)
    if batch is None:
        channel.counters.got_empty_count += 1
        return commands.Basic.GetEmpty()
    if channel.is_closing:
        asked.give_back_unseen(batch)
        return None
    _write_got(channel, method, queue, (batch, ready_count), channel.turn.now_ms)
    if method.no_ack:
        queue.engine.settle(batch.positions, batch.body_bytes)
    return None


def _write_got(
    channel: Channel,
    method: commands.Basic.Get,
    queue: Queue,
    got: tuple[Batch, int],
    now_ms: int,
) -> None:
    """Write get-ok, and note what is to be acked."""
    batch, ready_count = got
    count_got(channel.counters, batch, no_ack=method.no_ack)
    records = batch.records
    if queue.kind.delivery_header is not None:
        records = with_delivery_header(queue.kind.delivery_header, batch, is_got=True)
    firehose = channel.session.open_vhost.firehose
    if firehose.is_on:
        actor = channel.session.actor(channel.number)
        firehose.note_deliveries(actor, queue.name, records, redelivered=batch.redelivered)
    if method.no_ack:
        tag = channel.unacked.skip(1)
    else:
        owner = GetOwner(queue)
        channel.note_timeout(owner.timeout_ms)
        tag = channel.unacked.add(owner, batch, now_ms)
    octets = render_get_ok(
        channel.number,
        tag,
        fitted(records, channel.payload_max_bytes)[0],
        channel.payload_max_bytes,
        ready_count,
        redelivered=batch.redelivered,
    )
    channel.outbox.write(octets)


def ack(channel: Channel, method: commands.Basic.Ack, now_ms: int) -> None:
    """Settle messages for good.

    Raises:
        UnknownDeliveryTagError: a tag that is not outstanding (406).
    """
    tag = method.delivery_tag or 0
    channel.settle(Settlement(tag, tag, method.multiple, requeue=None), now_ms)


def nack(channel: Channel, method: commands.Basic.Nack, now_ms: int) -> None:
    """Give messages back to the queue, or drop them.

    Raises:
        UnknownDeliveryTagError: a tag that is not outstanding (406).
    """
    tag = method.delivery_tag or 0
    channel.settle(Settlement(tag, tag, method.multiple, requeue=method.requeue), now_ms)


def reject(channel: Channel, method: commands.Basic.Reject, now_ms: int) -> None:
    """Give one message back to the queue, or drop it.

    Raises:
        UnknownDeliveryTagError: the tag is not outstanding (406).
    """
    tag = method.delivery_tag or 0
    channel.settle(Settlement(tag, tag, multiple=False, requeue=method.requeue), now_ms)


def recover(channel: Channel, method: commands.Basic.Recover, _now_ms: int) -> None:
    """Give back everything unacked on the channel; the reply comes before new deliveries.

    Raises:
        NotSupportedError: ``requeue`` is false (540).
    """
    _check_requeue(requeue=method.requeue)
    channel.recover(answer=commands.Basic.RecoverOk())


def recover_async(channel: Channel, method: commands.Basic.RecoverAsync, _now_ms: int) -> None:
    """The same without a reply.

    Raises:
        NotSupportedError: ``requeue`` is false (540).
    """
    _check_requeue(requeue=method.requeue)
    channel.recover()


def _check_requeue(*, requeue: bool) -> None:
    if not requeue:
        raise NotSupportedError("requeue=false")


def _check_new_consumer(channel: Channel, consumer_tag: str) -> None:
    # The tag of the reply consumer is not checked, because RabbitMQ keeps that consumer apart.
    if consumer_tag in channel.consumers:
        raise NotAllowedError(f"attempt to reuse consumer tag '{consumer_tag}'")
    limit = channel.session.settings.consumers_per_channel_max
    if limit and len(channel.consumers) >= limit:
        raise NegotiationError(f"reached maximum ({limit}) of consumers per channel")


def _consumer(
    channel: Channel,
    queue: Queue,
    method: commands.Basic.Consume,
    consumer_tag: str,
    arguments: ConsumerArguments,
) -> Consumer:
    if channel.lane.shared_prefetch.limit:
        queue.check_granted(Request.SHARED_PREFETCH)
    if method.no_ack:
        queue.check_granted(Request.NO_ACK)
    elif not channel.consumer_prefetch:
        queue.check_granted(Request.NO_PREFETCH)
    timeout_ms = arguments.consumer_timeout_ms
    if timeout_ms is None:
        timeout_ms = queue.engine.options.consumer_timeout_ms
    properties = ConsumerProperties(
        consumer_tag,
        method.no_ack,
        method.exclusive,
        arguments.priority,
        timeout_ms or None,
        arguments.of_kind,
        arguments_of(method) or _NO_ARGUMENTS,
    )
    lane = channel.lane_for(queue)
    return Consumer(channel, lane, queue, properties, channel.consumer_prefetch)


def _consume_replies(
    channel: Channel, method: commands.Basic.Consume, consumer_tag: str
) -> Method | None:
    """Receive direct replies (RabbitMQ, direct reply-to)."""
    _check_new_consumer(channel, consumer_tag)
    if not method.no_ack:
        raise ReplyConsumerError("reply consumer cannot acknowledge")
    if channel.reply_receiver is not None:
        raise ReplyConsumerError("reply consumer already set")
    token = channel.session.broker.generate_reply_token()
    receiver = ReplyReceiver(channel.lane, consumer_tag, token, channel.session.replies)
    channel.session.open_vhost.reply_consumers.add(token, receiver)
    channel.add_reply_receiver(receiver)
    return None if method.nowait else _consume_ok(consumer_tag)


def _consume_ok(consumer_tag: str) -> Method:
    return commands.Basic.ConsumeOk(strip_line_ends(consumer_tag))
