"""The methods of class tx (AMQP 0-9-1 §1.9)."""

from pamqp import commands

from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.wire.methods import Method


def select(channel: Channel, _method: commands.Tx.Select, _now_ms: int) -> Method:
    """Begin a transaction; it raises the errors of ``Channel.tx_select``."""
    channel.tx_select()
    return commands.Tx.SelectOk()


def commit(channel: Channel, _method: commands.Tx.Commit, now_ms: int) -> Steps[Method]:
    """Carry out the transaction; it raises the errors of ``Channel.tx_commit``."""
    yield from channel.tx_commit(now_ms)
    return commands.Tx.CommitOk()


def rollback(channel: Channel, _method: commands.Tx.Rollback, _now_ms: int) -> Method:
    """Forget the transaction; it raises the errors of ``Channel.tx_rollback``."""
    channel.tx_rollback()
    return commands.Tx.RollbackOk()
