"""The methods of class tx (AMQP 0-9-1 §1.9)."""

from pamqp import commands

from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import ModeError
from amqp_server.protocol.methods.promised import promising
from amqp_server.wire.methods import Method


def select(channel: Channel, _method: commands.Tx.Select, _now_ms: int) -> Method:
    """Begin a transaction; it raises the errors of ``Channel.tx_select``."""
    channel.tx_select()
    return commands.Tx.SelectOk()


def commit(channel: Channel, method: commands.Tx.Commit, now_ms: int) -> WaitingSteps[Method]:
    """Carry out the transaction; the answer waits until all of it is safe.

    Raises:
        ModeError: not a tx channel, or a queue refused a publish, or a commit group failed that
            must make a published message safe (406).
    """
    promise = yield from channel.tx_commit(now_ms)
    incomplete = ModeError("partial tx completion")
    if promise.is_broken and not channel.is_closing:
        raise incomplete
    yield from promising(channel, promise, incomplete, method.index)
    return commands.Tx.CommitOk()


def rollback(channel: Channel, _method: commands.Tx.Rollback, _now_ms: int) -> Method:
    """Forget the transaction; it raises the errors of ``Channel.tx_rollback``."""
    channel.tx_rollback()
    return commands.Tx.RollbackOk()
