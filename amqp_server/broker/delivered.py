"""What is delivered and not settled, over all clients of a node: bounded by memory.

    0 ───────────── in memory ──────┬──────────────────────────┤ limit
    windows alone decide            │ who holds 1/64 of it     │ everybody gets one at a time
                                    │ gets one at a time       │

Messages are in memory until they are settled, whatever their windows allow. A consumer that gets
*one at a time* has nothing more delivered while it holds anything: whoever works through its
messages one by one goes on, nobody waits for ever, and there is one message more for each consumer
at most. Who held little goes on as before while somebody else holds much.
"""

import logging
from typing import Final, Protocol

from amqp_server.broker.turn import Turn
from queues.tail import UNLIMITED_BYTES, NodeMemory

log = logging.getLogger(__name__)

TIGHT_PART: Final = 2
"""From half of the limit on it matters who holds how much."""

LITTLE_PART: Final = 64
"""What a channel may hold then before it gets one at a time."""

WAKE_PART: Final = 16
"""Who was held back is asked again when so much of the limit was settled."""

SETTING: Final = "broker.unacked_bytes_max"


class HeldBack(Protocol):
    """A consumer that wanted more than one at a time."""

    def ask_again(self) -> None:
        """Have its queue ask it again."""


class Delivered:
    """The deliveries of a node that are not settled.

    Attributes:
        memory: what they take; its ``is_short`` says that it matters who holds how much.
        limit_bytes: from here on everybody gets one at a time.
        waiting: who is held back, the first of them first.
    """

    def __init__(self, turn: Turn, limit_bytes: int = UNLIMITED_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.memory = NodeMemory(limit_bytes // TIGHT_PART)
        self.waiting: dict[HeldBack, None] = {}
        self._little_bytes = limit_bytes // LITTLE_PART
        self._turn = turn
        self._waking: dict[HeldBack, None] = {}
        self._wake_below_bytes = 0
        self._is_waking = False
        self._is_told = False

    def allows(self, held_bytes: int) -> bool:
        """Return whether a channel that holds so much may get more than one at a time."""
        memory = self.memory
        if not memory.is_short:
            return True
        return held_bytes < self._little_bytes and memory.used_bytes < self.limit_bytes

    def wait(self, consumer: HeldBack) -> None:
        """Hold a consumer back: it is asked again when others have settled more."""
        used_bytes = self.memory.used_bytes
        if not self._is_told:
            self._is_told = True
            log.warning(
                "deliveries are held back: too much is unacked unacked_bytes=%d %s=%d",
                used_bytes,
                SETTING,
                self.limit_bytes,
            )
        wake_below_bytes = used_bytes - self.limit_bytes // WAKE_PART
        self._wake_below_bytes = max(self._wake_below_bytes, wake_below_bytes)
        self.waiting[consumer] = None

    def forget(self, consumer: HeldBack) -> None:
        """Drop a consumer that is over."""
        self.waiting.pop(consumer, None)
        self._waking.pop(consumer, None)

    def were_settled(self) -> None:
        """Ask again who waits, if enough was settled for that; for whoever sees somebody wait."""
        if self._is_waking or self.memory.used_bytes > self._wake_below_bytes:
            return
        self._is_waking = True
        self._is_told = self.memory.is_short
        self._wake_below_bytes = 0
        self._waking, self.waiting = self.waiting, {}
        self._turn.later(self)

    def step(self, now_ms: int) -> bool:  # noqa: ARG002 — the port's
        """Ask one after another, within the turn's budget: a ``broker.budget.Job``."""
        waking, is_spent = self._waking, self._turn.budget.is_spent
        while waking:
            consumer = next(iter(waking))
            del waking[consumer]
            consumer.ask_again()
            if is_spent():
                break
        self._is_waking = bool(waking)
        return not waking
