"""Jepsen's total-queue checker: multisets of what was put into a queue and what came out of it.

    attempts    values whose enqueue began
    enqueues    values whose enqueue was confirmed
    dequeues    values that came out, those of the drain among them
    ok          dequeued, and attempted
    unexpected  dequeued, and never attempted        invalid
    duplicated  dequeued more often than attempted
    lost        enqueued, and never dequeued         invalid
    recovered   ok, though not known to be enqueued

Two corrections of RabbitMQ's harness: a value comes out when its body arrives, not when its ack is
written; and a returned message is refused, though an ack follows.

Source: jepsen.checker/total-queue; rabbitmq/jepsen, rabbitmq.clj.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from load_generator.verifying.history import Action, Kind, Row, Value


@dataclass(frozen=True, slots=True)
class TotalQueue:
    """How many of each there are."""

    attempts: int
    enqueues: int
    dequeues: int
    ok: int
    unexpected: int
    duplicated: int
    lost: int
    recovered: int

    @property
    def is_valid(self) -> bool:
        """Whether nothing is lost and nothing came from nowhere."""
        return not self.lost and not self.unexpected

    def text(self) -> str:
        """Return all of it in one line."""
        counts = (f"{field.name} {getattr(self, field.name):,}" for field in fields(self))
        return f"{', '.join(counts)}: {'valid' if self.is_valid else 'INVALID'}"


def total_queue(rows: Iterable[Row]) -> TotalQueue:
    """Judge a history."""
    attempts: Counter[Value] = Counter()
    enqueues: Counter[Value] = Counter()
    dequeues: Counter[Value] = Counter()
    for row in rows:
        if row.value is None:
            continue
        if row.action is Action.ENQUEUE and row.kind is Kind.INVOKE:
            attempts[row.value] += 1
        elif row.action is Action.ENQUEUE and row.kind is Kind.OK:
            enqueues[row.value] += 1
        elif row.action in {Action.DELIVER, Action.DRAIN}:
            dequeues[row.value] += 1
    known = dequeues & attempts
    unexpected = Counter({one: count for one, count in dequeues.items() if one not in attempts})
    return TotalQueue(
        attempts=attempts.total(),
        enqueues=enqueues.total(),
        dequeues=dequeues.total(),
        ok=known.total(),
        unexpected=unexpected.total(),
        duplicated=(dequeues - attempts - unexpected).total(),
        lost=(enqueues - dequeues).total(),
        recovered=(known - enqueues).total(),
    )
