"""The table of the functions that carry out the methods of a channel.

A client may not send other methods on an open channel (503). Publish and single or ranged acks do
not come this way, because the scanner delivers them in runs.
"""

from collections.abc import Mapping
from typing import Final

from pamqp import commands

from amqp_server.broker import steps
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.events import acting
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import CommandInvalidError, LostReplyError
from amqp_server.protocol.methods import basic, channel, confirm, exchange, queue, tx
from amqp_server.protocol.methods.decided import DECIDED, Handler, looking_again
from amqp_server.protocol.promise import Promise
from amqp_server.wire.methods import AccessRequest, Method
from queues.commits import SAFE_NOW

HANDLERS: Final[Mapping[type[Method], Handler]] = {
    commands.Channel.Flow: channel.flow,
    AccessRequest: channel.access_request,
    commands.Exchange.Declare: exchange.declare,
    commands.Exchange.Delete: exchange.delete,
    commands.Exchange.Bind: exchange.bind,
    commands.Exchange.Unbind: exchange.unbind,
    commands.Queue.Declare: queue.declare,
    commands.Queue.Bind: queue.bind,
    commands.Queue.Unbind: queue.unbind,
    commands.Queue.Purge: queue.purge,
    commands.Queue.Delete: queue.delete,
    commands.Basic.Qos: basic.qos,
    commands.Basic.Consume: basic.consume,
    commands.Basic.Cancel: basic.cancel,
    commands.Basic.Get: basic.get,
    commands.Basic.Ack: basic.ack,
    commands.Basic.Nack: basic.nack,
    commands.Basic.Reject: basic.reject,
    commands.Basic.Recover: basic.recover,
    commands.Basic.RecoverAsync: basic.recover_async,
    commands.Confirm.Select: confirm.select,
    commands.Tx.Select: tx.select,
    commands.Tx.Commit: tx.commit,
    commands.Tx.Rollback: tx.rollback,
}


CHANGES_DEFINITIONS: Final[frozenset[type[Method]]] = frozenset(
    (
        commands.Exchange.Declare,
        commands.Exchange.Delete,
        commands.Exchange.Bind,
        commands.Exchange.Unbind,
        commands.Queue.Declare,
        commands.Queue.Bind,
        commands.Queue.Unbind,
        commands.Queue.Delete,
    )
)
"""Answered once the change is on disk, even if an earlier client made it (ADR 12)."""


def dispatch(lane: Channel, method: Method, now_ms: int) -> None:
    """Carry a method out and send its reply, if it has one.

    Raises:
        CommandInvalidError: a client may not send it (503). Errors of the method's function are
            raised, too.
        Suspended: it continues in later turns, and its reply comes at the end.
    """
    handler = HANDLERS.get(type(method))
    if handler is None:
        raise CommandInvalidError("unimplemented method")
    if type(method) in CHANGES_DEFINITIONS:
        _dispatch_change(lane, method, handler, now_ms)
        return
    try:
        reply = handler(lane, method, now_ms)
    except NotFoundError:
        reply = looking_again(lane, method, handler, now_ms)
    if isinstance(reply, Method):
        lane.write(reply)
    elif reply is not None:
        steps.advance(_replying(lane, method, reply), lane.turn.budget.is_spent)


def _dispatch_change(lane: Channel, method: Method, handler: Handler, now_ms: int) -> None:
    """Carry out a method that changes definitions; on a node of a cluster the store decides."""
    session = lane.session
    events = session.broker.events
    events.actor = user = session.username
    if session.broker.decisions is not None:
        handler = DECIDED[type(method)]
    try:
        reply = handler(lane, method, now_ms)
    except NotFoundError:
        reply = looking_again(lane, method, handler, now_ms)
    finally:
        events.actor = ""
    if isinstance(reply, Method):
        _write_promise(lane, method, reply)
    elif reply is not None:
        work = _replying(lane, method, acting(events, user, reply))
        steps.advance(work, lane.turn.budget.is_spent)


def _replying(
    lane: Channel, method: Method, work: WaitingSteps[Method | None]
) -> WaitingSteps[None]:
    """Do work of several turns, and write its reply, unless the channel ends meanwhile."""
    reply = yield from work
    if reply is not None and not lane.is_closing:
        _write_reply(lane, method, reply)


def _write_reply(lane: Channel, method: Method, reply: Method) -> None:
    if type(method) in CHANGES_DEFINITIONS:
        _write_promise(lane, method, reply)
    else:
        lane.write(reply)


def _write_promise(lane: Channel, method: Method, reply: Method) -> None:
    """Write the reply to a change of definitions, which is sent once the change is safe."""
    safe_at = lane.session.broker.journal.safe_at
    if safe_at is not SAFE_NOW:
        lane.hold_replies(Promise(safe_at), LostReplyError(), method.index)
    lane.write(reply)
