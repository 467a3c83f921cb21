"""One channel of a script as its client sees it: what is not settled, and not confirmed."""

from collections.abc import Mapping
from typing import Any

from pamqp import commands

from conformance.events import Event
from conformance.random.script import MIDDLE, NEWEST, OLDEST, Step

SETTLEMENTS = frozenset({"basic.ack", "basic.nack", "basic.reject"})


class Lane:
    """The state of an open channel that its client knows."""

    def __init__(self) -> None:
        self.unsettled: list[int] = []
        self.unconfirmed: list[int] = []
        self._in_doubt: list[int] = []
        self._without_ack: set[str] = set()
        self._published = 0
        self._is_confirming = False
        self._has_transaction = False

    def tag_of(self, wanted: str | int) -> int | None:
        """Return the delivery tag that a step means; None if no delivery is unsettled."""
        if isinstance(wanted, int):
            return wanted
        if not self.unsettled:
            return None
        places = {OLDEST: 0, MIDDLE: len(self.unsettled) // 2, NEWEST: -1}
        return self.unsettled[places[wanted]]

    def sent(self, step: Step, given: Mapping[str, Any]) -> None:
        """Note a step that was sent; in ``given`` its references are resolved."""
        if step.method == "basic.publish" and self._is_confirming:
            first = self._published + 1
            self._published += len(step.messages)
            self.unconfirmed += range(first, self._published + 1)
        elif step.method in SETTLEMENTS:
            self._settle(given["delivery_tag"], multiple=bool(given.get("multiple")))
            if step.method == "basic.reject":
                return
        elif step.method == "basic.consume" and given.get("no_ack"):
            self._without_ack.add(given.get("consumer_tag", ""))
        elif step.method in {"basic.recover", "basic.recoverasync"}:
            self.unsettled.clear()
        elif step.method == "confirm.select":
            self._is_confirming = True
        self._transact(step.method)

    def _transact(self, method: str) -> None:
        if method == "tx.select":
            self._has_transaction = True
        elif method == "tx.commit":
            self._in_doubt.clear()
        elif method == "tx.rollback":
            self.unsettled = sorted({*self.unsettled, *self._in_doubt})
            self._in_doubt.clear()

    def _settle(self, tag: int, *, multiple: bool) -> None:
        if multiple:
            gone = [other for other in self.unsettled if other <= tag or tag == 0]
        else:
            gone = [other for other in self.unsettled if other == tag]
        if self._has_transaction:
            self._in_doubt += gone
        self.unsettled = [other for other in self.unsettled if other not in gone]

    def came(self, event: Event, step: Step) -> list[str] | None:
        """Note an event; return the lines that stand for it, None if it is a line of its own."""
        match event.method:
            case commands.Basic.Deliver() as delivery:
                if delivery.consumer_tag not in self._without_ack:
                    self.unsettled.append(event.tag)
            case commands.Basic.GetOk():
                if not step.given.get("no_ack"):
                    self.unsettled.append(event.tag)
            case commands.Basic.ConsumeOk() as reply:
                if step.given.get("no_ack"):
                    self._without_ack.add(reply.consumer_tag or "")
            case commands.Basic.Ack() as confirm:
                return self._confirmed("confirmed", event.tag, multiple=bool(confirm.multiple))
            case commands.Basic.Nack() as refusal:
                return self._confirmed("refused", event.tag, multiple=bool(refusal.multiple))
            case _:
                pass
        return None

    def _confirmed(self, word: str, tag: int, *, multiple: bool) -> list[str]:
        """Return a line for each publish that a confirm covers."""
        if multiple:
            found = [number for number in self.unconfirmed if number <= tag]
        else:
            found = [number for number in self.unconfirmed if number == tag]
        self.unconfirmed = [number for number in self.unconfirmed if number not in found]
        return [f"{word} {number}" for number in found] or [f"{word} {tag}, which was not due"]
