"""The methods of class tx (AMQP 0-9-1 §1.9)."""

from pamqp import commands

from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.wire.methods import Method


def select(channel: Channel, _method: commands.Tx.Select, _now_ms: int) -> Method:
    """Begin to hold back; see ``Channel.tx_select`` for what it raises."""
    channel.tx_select()
    return commands.Tx.SelectOk()


def commit(channel: Channel, _method: commands.Tx.Commit, now_ms: int) -> Steps[Method]:
    """Carry out what was held; see ``Channel.tx_commit`` for what it raises."""
    yield from channel.tx_commit(now_ms)
    return commands.Tx.CommitOk()


def rollback(channel: Channel, _method: commands.Tx.Rollback, _now_ms: int) -> Method:
    """Forget what was held; see ``Channel.tx_rollback`` for what it raises."""
    channel.tx_rollback()
    return commands.Tx.RollbackOk()
