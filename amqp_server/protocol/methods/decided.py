"""The methods that change definitions, on a node of a cluster: the metadata store decides them.

    checks of the request ── ask the store ── the tables have it ── answer

What belongs to one connection is decided here as on a single node: exclusive queues, with their
bindings. What is not found here may have come to be on another node, so the store is asked once
before a client is told that it is not there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pamqp import commands

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.asking import counting
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.names import (
    REPLY_TO_QUEUE,
    check_not_default_exchange,
    exchange_text,
    strip_line_ends,
)
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods import exchange as exchanges
from amqp_server.protocol.methods import queue as queues
from amqp_server.wire.methods import Method, arguments_of
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind
from queues.effects import Effect, QueueUnused

Answered: TypeAlias = Method | WaitingSteps[Any] | None
Handler: TypeAlias = Callable[[Channel, Any, int], Answered]


def looking_again(
    channel: Channel, method: Method, handler: Handler, now_ms: int
) -> WaitingSteps[Any]:
    """Carry a method out once the store was asked for what it did not find here.

    Called while that error is handled.

    Raises:
        NotFoundError: the node is by itself; or the store has none of it either.
    """
    decisions = channel.session.broker.decisions
    if decisions is None:
        raise  # noqa: PLE0704 - the error that is handled
    return _looking_again(decisions, channel, method, handler, now_ms)


def _looking_again(
    decisions: Decisions, channel: Channel, method: Method, handler: Handler, now_ms: int
) -> WaitingSteps[Any]:
    named = [getattr(method, word, "") or "" for word in _EXCHANGE_WORDS]
    queue = getattr(method, "queue", None)
    if queue == "":
        queue = channel.last_queue_name
    yield from decisions.looking_up(
        channel.session.vhost_name,
        queues=(strip_line_ends(queue),) if queue else (),
        exchanges=map(strip_line_ends, named),
    )
    return (yield from _done(handler(channel, method, now_ms)))


_EXCHANGE_WORDS: Final = ("exchange", "source", "destination")


def _done(answered: Answered) -> WaitingSteps[Any]:
    """Return what a handler answers, now or after its steps."""
    if answered is None or isinstance(answered, Method):
        return answered
    return (yield from answered)


# ── queues ──


def declare_queue(channel: Channel, method: commands.Queue.Declare, now_ms: int) -> Answered:
    """Create a queue, or check that the one that exists is equivalent; see ``methods.queue``."""
    name = strip_line_ends(method.queue)
    is_local = method.passive or method.exclusive or name.startswith(REPLY_TO_QUEUE)
    if is_local or is_exclusive(channel, name):
        return queues.declare(channel, method, now_ms)
    return _declaring_queue(channel, method, name)


def _declaring_queue(
    channel: Channel, method: commands.Queue.Declare, name: str
) -> WaitingSteps[Method | None]:
    session = channel.session
    vhost, may_be_reserved = session.open_vhost, not name
    name, properties = queues.asked_queue(channel, method, name)
    decisions = _decisions(channel)
    declaring = decisions.declaring_queue(
        vhost.name, name, properties, may_be_reserved=may_be_reserved
    )
    queue_id = yield from decisions.places.placing(session.broker, vhost, name, declaring)
    return (yield from answering_declare(channel, method, name, queue_id))


def answering_declare(
    channel: Channel, method: commands.Queue.Declare, name: str, queue_id: str
) -> WaitingSteps[Method | None]:
    """Answer a declare that the store has decided.

    Args:
        channel: where it was asked.
        method: the declare.
        name: of the queue.
        queue_id: the stored id of the queue, if it is a new one.

    Raises:
        NotFoundError: the leader of a queue that was there does not answer (404).
        ResourceLockedError: an exclusive queue of that name has come meanwhile (405).
    """
    session = channel.session
    vhost = session.open_vhost
    found = vhost.queues.find(name)
    if found is None or found.stored_id == queue_id:
        # Another client has deleted it since; or it is new, and its leader may still begin.
        return queues.declared(channel, method, name, 0, 0)
    queue = vhost.queues.get(name, session)
    vhost.queues.refresh(queue, channel.turn.now_ms)
    return (yield from queues.declared_elsewhere(channel, method, queue, channel.turn.now_ms))


def delete_queue(channel: Channel, method: commands.Queue.Delete, now_ms: int) -> Answered:
    """Delete a queue; see ``methods.queue``. Its count is taken before it goes."""
    name = queues.actual_queue_name(channel, method.queue)
    if is_exclusive(channel, name):
        return queues.delete(channel, method, now_ms)
    return _deleting_queue(channel, method, name)


def _deleting_queue(
    channel: Channel, method: commands.Queue.Delete, name: str
) -> WaitingSteps[Method | None]:
    session, decisions = channel.session, _decisions(channel)
    session.require(Permission.CONFIGURE, "queue", name)
    vhost = session.open_vhost
    if vhost.queues.find(name) is None:
        yield from decisions.looking_up(vhost.name, queues=(name,))
    count = 0
    if vhost.queues.find(name) is not None:
        is_conditional = {"if_unused": method.if_unused, "if_empty": method.if_empty}
        queue = vhost.queues.deletable(name, session, channel.turn.now_ms, **is_conditional)
        counts = yield from counting(queue, channel.turn.now_ms)
        vhost.queues.check_conditions(queue, counts, **is_conditional)
        count = counts.ready_count
        yield from _hearing_later(
            channel, decisions.deleting_queue(vhost.name, name, queue.stored_id)
        )
    return None if method.nowait else commands.Queue.DeleteOk(count)


def _hearing_later(channel: Channel, deleting: WaitingSteps[object]) -> WaitingSteps[None]:
    """Delete; the client hears of its consumers that go behind the answer."""
    notices = channel.cancel_notices
    notices.hold()
    try:
        yield from deleting
    finally:
        # Effects are carried out once the answer is written.
        channel.turn.emit(_release_notices(channel), QueueUnused(""))


def _release_notices(channel: Channel) -> Callable[[Effect, int], None]:
    def release(_effect: Effect, _now_ms: int) -> None:
        channel.cancel_notices.release(is_told=not channel.is_closing)

    return release


def bind_queue(channel: Channel, method: commands.Queue.Bind, now_ms: int) -> Answered:
    """Bind a queue to an exchange; see ``methods.queue``."""
    name = queues.actual_queue_name(channel, method.queue)
    if is_exclusive(channel, name):
        return queues.bind(channel, method, now_ms)
    ends = queues.ends_of(channel, method)
    ok = None if method.nowait else commands.Queue.BindOk()
    return _binding(channel, ends.exchange, ends.to, ends.routing_key, arguments_of(method), ok)


def unbind_queue(channel: Channel, method: commands.Queue.Unbind, now_ms: int) -> Answered:
    """Remove a binding; see ``methods.queue``."""
    name = queues.actual_queue_name(channel, method.queue)
    if is_exclusive(channel, name):
        return queues.unbind(channel, method, now_ms)
    ends = queues.ends_of(channel, method)
    ok = commands.Queue.UnbindOk()
    return _unbinding(channel, ends.exchange, ends.to, ends.routing_key, arguments_of(method), ok)


# ── exchanges ──


def declare_exchange(channel: Channel, method: commands.Exchange.Declare, now_ms: int) -> Answered:
    """Create an exchange, or check that the one that exists is equivalent."""
    if method.passive:
        return exchanges.declare(channel, method, now_ms)
    return _declaring_exchange(channel, method, strip_line_ends(method.exchange))


def _declaring_exchange(
    channel: Channel, method: commands.Exchange.Declare, name: str
) -> WaitingSteps[Method | None]:
    check_not_default_exchange(name)
    properties = exchanges.asked_exchange(channel, method, name)
    yield from _decisions(channel).declaring_exchange(channel.session.vhost_name, name, properties)
    return None if method.nowait else commands.Exchange.DeclareOk()


def delete_exchange(
    channel: Channel, method: commands.Exchange.Delete, _now_ms: int
) -> WaitingSteps[Method | None]:
    """Delete an exchange; see ``methods.exchange``."""
    session, name = channel.session, strip_line_ends(method.exchange)
    check_not_default_exchange(name)
    session.require(Permission.CONFIGURE, "exchange", name)
    if method.if_unused and _has_exclusive_readers(channel, name):
        raise PreconditionFailedError(f"{exchange_text(session.vhost_name, name)} in use")
    yield from _decisions(channel).deleting_exchange(
        session.vhost_name, name, if_unused=method.if_unused
    )
    return None if method.nowait else commands.Exchange.DeleteOk()


def bind_exchange(channel: Channel, method: commands.Exchange.Bind, _now_ms: int) -> Answered:
    """Bind an exchange to another; see ``methods.exchange``."""
    destination, source = exchanges.ends_of(channel, method)
    to = Destination(DestinationKind.EXCHANGE, destination)
    ok = None if method.nowait else commands.Exchange.BindOk()
    return _binding(channel, source, to, method.routing_key, arguments_of(method), ok)


def unbind_exchange(channel: Channel, method: commands.Exchange.Unbind, _now_ms: int) -> Answered:
    """Remove a binding; see ``methods.exchange``."""
    destination, source = exchanges.ends_of(channel, method)
    to = Destination(DestinationKind.EXCHANGE, destination)
    ok = None if method.nowait else commands.Exchange.UnbindOk()
    return _unbinding(channel, source, to, method.routing_key, arguments_of(method), ok)


# ── bindings ──


def _binding(
    channel: Channel, source: str, to: Destination, key: str, table: Table, ok: Method | None
) -> WaitingSteps[Method | None]:
    vhost = channel.session.vhost_name
    yield from _decisions(channel).binding_of(vhost, source, to, key, table)
    return ok


def _unbinding(
    channel: Channel, source: str, to: Destination, key: str, table: Table, ok: Method | None
) -> WaitingSteps[Method | None]:
    vhost = channel.session.vhost_name
    yield from _decisions(channel).unbinding_of(vhost, source, to, key, table)
    return ok


def _decisions(channel: Channel) -> Decisions:
    decisions = channel.session.broker.decisions
    assert decisions is not None, "a node of a cluster"
    return decisions


def is_exclusive(channel: Channel, name: str) -> bool:
    """Return whether a queue of a connection of this node has a name."""
    queue = channel.session.open_vhost.queues.find(name)
    return queue is not None and queue.owner is not None


def _has_exclusive_readers(channel: Channel, exchange: str) -> bool:
    """Return whether exclusive queues of this node are bound to an exchange."""
    vhost = channel.session.open_vhost
    return any(
        binding.destination.kind is DestinationKind.QUEUE
        and is_exclusive(channel, binding.destination.name)
        for binding in vhost.router.bindings.of_source(exchange)
    )


DECIDED: Final[Mapping[type[Method], Handler]] = {
    commands.Exchange.Declare: declare_exchange,
    commands.Exchange.Delete: delete_exchange,
    commands.Exchange.Bind: bind_exchange,
    commands.Exchange.Unbind: unbind_exchange,
    commands.Queue.Declare: declare_queue,
    commands.Queue.Bind: bind_queue,
    commands.Queue.Unbind: unbind_queue,
    commands.Queue.Delete: delete_queue,
}
"""In place of the handlers of a node by itself."""
