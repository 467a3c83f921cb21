"""Tells a client of consumers that have ended without it: basic.cancel from the broker.

A client that deletes a queue which it consumes from hears of the deletion first. In a cluster the
queue goes before the answer is there, so what is told on that channel meanwhile waits for it.

Source: RabbitMQ, consumer cancel notification.
"""

from typing import Final

from pamqp import commands

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.session import Session
from amqp_server.wire.methods import encode_method

CANCEL_NOTIFY: Final = "consumer_cancel_notify"


class CancelNotices:
    """Those of one channel.

    Args:
        number: of the channel.
        session: says whether the client understands them.
        outbox: where they go.
    """

    __slots__ = ("_held", "_number", "_outbox", "_session")

    def __init__(self, number: int, session: Session, outbox: Outbox) -> None:
        self._number = number
        self._session = session
        self._outbox = outbox
        self._held: list[str] | None = None

    def tell(self, consumer_tag: str) -> None:
        """Tell the client that a consumer has ended, if it can understand that."""
        if self._held is not None:
            self._held.append(consumer_tag)
        elif CANCEL_NOTIFY in self._session.capabilities:
            method = commands.Basic.Cancel(consumer_tag, nowait=True)
            self._outbox.write(encode_method(self._number, method))

    def hold(self) -> None:
        """Keep what is to be told, until ``release``."""
        self._held = []

    def release(self, *, is_told: bool) -> None:
        """Tell what was kept; forget it where ``is_told`` is false, as the channel has ended."""
        held, self._held = self._held or [], None
        if is_told:
            for consumer_tag in held:
                self.tell(consumer_tag)
