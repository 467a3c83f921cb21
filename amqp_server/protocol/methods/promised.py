"""Answers that promise something: that messages are safe, or that no restart brings them back.

a node by itself     its disk answers in milliseconds: all output of the connection waits
a node of a cluster  the leader of a queue may be gone for long: the channel alone waits
"""

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.promise import Promise
from queues.commits import is_safe, wait_for


def promising(
    channel: Channel, promise: Promise, error: Exception, index: int
) -> WaitingSteps[None]:
    """Have the next answer of a channel wait until a promise is kept.

    Args:
        channel: where it is due; nothing waits for one that ends.
        promise: of the answer.
        error: what is answered if it is broken.
        index: of the method that is answered.

    Raises:
        Exception: ``error``, in a cluster. On a node by itself it is answered later.
    """
    if channel.is_closing:
        return
    if channel.session.broker.decisions is None:
        channel.hold_replies(promise, error, index)
        return
    if not is_safe(promise.safe_at):
        decided: Awaited[None] = Awaited()
        wait_for(promise.safe_at, lambda: decided.set(None))
        yield from decided.value()
    if not promise.is_kept():
        raise error
