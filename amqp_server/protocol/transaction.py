"""What a tx channel holds back until tx.commit: publishes and settlements, in order.

Source: AMQP 0-9-1 §1.9; RabbitMQ, semantics of tx: acks are buffered too, rollback forgets them
(they stay unacked), and a commit is not atomic over several queues.
"""

from typing import NamedTuple

from amqp_server.protocol.errors import ModeError
from amqp_server.protocol.publishing import Letter


class Settlement(NamedTuple):
    """An ack, nack or reject that waits for the commit.

    Attributes:
        first_tag, last_tag: each tag of the range; with ``multiple`` all up to last_tag.
        requeue: None is an ack.
    """

    first_tag: int
    last_tag: int
    multiple: bool
    requeue: bool | None


class Transaction:
    """The open transaction of one channel.

    Attributes:
        letters, settlements: what came since the last commit or rollback.
    """

    __slots__ = ("_held_bytes", "_held_max_bytes", "letters", "settlements")

    def __init__(self, held_max_bytes: int) -> None:
        """Open one; ``held_max_bytes`` bounds the bodies held back."""
        self._held_max_bytes = held_max_bytes
        self._held_bytes = 0
        self.letters: list[Letter] = []
        self.settlements: list[Settlement] = []

    def hold_letter(self, letter: Letter) -> None:
        """Hold a publish back.

        Raises:
            ModeError: the transaction holds too much (406).
        """
        self._held_bytes += sum(len(record.body) for record in letter.records)
        if self._held_bytes > self._held_max_bytes:
            text = f"transaction holds more than {self._held_max_bytes} bytes: commit more often"
            raise ModeError(text)
        self.letters.append(letter)

    def hold_settlement(self, settlement: Settlement) -> None:
        """Hold an ack, nack or reject back."""
        self.settlements.append(settlement)

    def take(self) -> tuple[list[Letter], list[Settlement]]:
        """Return what was held, and start anew."""
        taken = self.letters, self.settlements
        self.letters, self.settlements = [], []
        self._held_bytes = 0
        return taken
