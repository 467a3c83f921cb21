"""Bounds the memory of a node's deliveries that are not settled.

    0 ───────────── in memory ──────┬──────────────────────────┤ limit
    windows alone decide            │ who holds 1/64 of it     │ everybody gets one at a time
                                    │ gets one at a time       │

Messages are in memory until they are settled, whatever the prefetch allows. A consumer that gets
*one at a time* gets no message while it holds one. A consumer that settles its messages goes on, so
none waits for ever. The limit is exceeded by at most one message for each consumer. A consumer that
holds little goes on as before while another holds much.
"""

import logging
from typing import Final, Protocol

from amqp_server.broker.turn import Turn
from queues.tail import UNLIMITED_BYTES, NodeMemory

log = logging.getLogger(__name__)

TIGHT_PART: Final = 2
"""From this share of the limit on, the channels that hold much are held back."""

LITTLE_PART: Final = 64
"""The share that a channel may then hold before it gets one at a time."""

WAKE_PART: Final = 16
"""Consumers held back are asked again when this share of the limit was settled."""

SETTING: Final = "broker.unacked_bytes_max"


class HeldBack(Protocol):
    """A consumer that wanted more than one at a time."""

    def ask_again(self) -> None:
        """Let its queue ask it again."""


class Delivered:
    """The deliveries of a node that are not settled.

    Attributes:
        memory: of the deliveries; ``is_short`` says that channels that hold much are held back.
        limit_bytes: from here on every consumer gets one at a time.
        waiting: consumers that are held back, the first one first.
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
        """Return whether a channel that holds this much may get more than one at a time."""
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
        """Forget a consumer that has ended."""
        self.waiting.pop(consumer, None)
        self._waking.pop(consumer, None)

    def were_settled(self) -> None:
        """Ask waiting consumers again, if enough was settled; called by code that sees one wait."""
        if self._is_waking or self.memory.used_bytes > self._wake_below_bytes:
            return
        self._is_waking = True
        self._is_told = self.memory.is_short
        self._wake_below_bytes = 0
        self._waking, self.waiting = self.waiting, {}
        self._turn.later(self)

    def step(self, now_ms: int) -> bool:  # noqa: ARG002 — the port's
        """Ask them one after another, within the turn's budget: a ``broker.budget.Job``."""
        waking, is_spent = self._waking, self._turn.budget.is_spent
        while waking:
            consumer = next(iter(waking))
            del waking[consumer]
            consumer.ask_again()
            if is_spent():
                break
        self._is_waking = bool(waking)
        return not waking
