"""Consumers whose clients wait until the leader has said whether they may be there.

    asked ─▶ THERE       the leader has added it
          ├▶ BARRED      another one keeps it out
          └▶ NO_ANSWER   nobody has said so in time, and it wants to be alone

A leader that goes before it has said so is of no account: the next one is asked. A consumer that
is not exclusive is let in without a word after ``WAIT_MS``: nobody leads then, and the next leader
serves it. If that one bars it, it is cancelled.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from queues.asked_port import ConsumeAnswer
from queues.consumer_port import ConsumerHandle

WAIT_MS: Final = 5_000
"""How long a client waits: a change of leaders is over by then, or will take long."""

Told: TypeAlias = Callable[[ConsumeAnswer], None]
"""Takes whether a consumer is there."""


class _Asked(NamedTuple):
    then: Told
    until_ms: int


class AskedConsumers:
    """Those of one front half, in the order in which they came."""

    def __init__(self) -> None:
        """Begin without any."""
        self._asked: dict[ConsumerHandle, _Asked] = {}
        self._to_cancel: list[ConsumerHandle] = []

    def add(self, handle: ConsumerHandle, then: Told, now_ms: int) -> None:
        """Have a client wait; ``then`` is called once, unless the consumer is forgotten."""
        self._asked[handle] = _Asked(then, now_ms + WAIT_MS)

    def forget(self, handle: ConsumerHandle) -> None:
        """Nobody waits for it any more."""
        self._asked.pop(handle, None)

    def there(self, handle: ConsumerHandle) -> None:
        """The leader has added a consumer."""
        asked = self._asked.pop(handle, None)
        if asked is not None:
            asked.then(ConsumeAnswer.THERE)

    def barred(self, handle: ConsumerHandle) -> None:
        """The leader has not: its client is told in the answer, or that it is cancelled."""
        asked = self._asked.pop(handle, None)
        if asked is not None:
            asked.then(ConsumeAnswer.BARRED)
        else:
            self._to_cancel.append(handle)

    def cancel_later(self, handles: list[ConsumerHandle]) -> None:
        """Have the clients of consumers be told by ``tell_cancelled``."""
        self._to_cancel += handles

    def tell_cancelled(self) -> None:
        """Tell the consumers that were removed, outside of whatever removed them."""
        if self._to_cancel:
            gone, self._to_cancel = self._to_cancel, []
            for handle in gone:
                asked = self._asked.pop(handle, None)
                if asked is not None:
                    asked.then(ConsumeAnswer.NO_ANSWER)
                else:
                    handle.cancelled()

    def expire(self, now_ms: int) -> list[ConsumerHandle]:
        """Let nobody wait any longer who has waited long enough; return those that must go."""
        due, gone = list[tuple[ConsumerHandle, _Asked]](), list[ConsumerHandle]()
        for handle, asked in self._asked.items():
            if asked.until_ms > now_ms:
                break
            due.append((handle, asked))
        for handle, asked in due:
            if self._asked.pop(handle, None) is None:
                continue
            if handle.exclusive:
                gone.append(handle)
                asked.then(ConsumeAnswer.NO_ANSWER)
            else:
                asked.then(ConsumeAnswer.THERE)
        return gone

    def deadline_ms(self) -> int | None:
        """Return when ``expire`` is due; None while nobody waits."""
        for asked in self._asked.values():
            return asked.until_ms
        return None

    def end(self) -> None:
        """The queue is gone."""
        asked, self._asked = self._asked, {}
        for each in asked.values():
            each.then(ConsumeAnswer.NO_ANSWER)
