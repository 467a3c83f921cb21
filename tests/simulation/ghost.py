"""What was promised to anybody. The protocol never reads it; the checker does."""

from dataclasses import dataclass, field

from tests.simulation.content import Message, Record, StoredLog
from tests.simulation.violation import ViolationError


@dataclass(slots=True)
class Promises:
    """Of one queue. ``settled``: the settlement is committed; ``acked``: a consumer settled it.

    ``places`` has the index of what front ends published, ``refused`` what they were told is in
    no log (R23). ``full_since`` is the ``min_isr`` that the in-sync set has reached; 0: it has not,
    since it is the present one.
    """

    confirmed: dict[int, Record] = field(default_factory=dict)
    committed: dict[int, Record] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)
    seen: dict[int, object] = field(default_factory=dict)
    writers: dict[int, tuple[str, int]] = field(default_factory=dict)
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    refused: set[tuple[str, int]] = field(default_factory=set)
    top_epoch: int = 0
    unclean: bool = False
    full_since: int = 0

    def note_writer(self, queue: str, epoch: int, writer: tuple[str, int]) -> None:
        if self.writers.setdefault(epoch, writer) != writer:
            raise ViolationError(
                f"I2 {queue}: epoch {epoch} is led by {self.writers[epoch]} and {writer}"
            )

    def note_members(self, queue: str, count: int, min_isr: int) -> None:
        """I9: a set that has ``min_isr`` members keeps them, whoever changes it."""
        if count >= min_isr:
            self.full_since = min_isr
        elif self.full_since == min_isr:
            raise ViolationError(f"I9 {queue}: {count} members of {min_isr} are left")
        else:
            self.full_since = 0

    def note_committed(self, queue: str, index: int, record: Record) -> None:
        if self.committed.setdefault(index, record) != record:
            raise ViolationError(
                f"I4 {queue}[{index}] was committed as {self.committed[index]}, now {record}"
            )
        if self.seen.get(index, record.argument) != record.argument:
            raise ViolationError(
                f"I6 {queue}[{index}] was delivered as {self.seen[index]}, now {record}"
            )
        if isinstance(record.argument, tuple):
            self._note_published(queue, index, record.argument)
        self.confirmed[index] = record
        if record.kind == "S":
            assert isinstance(record.argument, int)
            self.settled.add(record.argument)

    def _note_published(self, queue: str, index: int, name: tuple[str, int]) -> None:
        front, number = name
        if self.places.setdefault(name, index) != index:
            raise ViolationError(
                f"R23 {queue}: {front}'s {number} is at {self.places[name]} and at {index}"
            )
        older = [
            place
            for (whose, each), place in self.places.items()
            if whose == front and each < number
        ]
        if max(older, default=0) > index:
            raise ViolationError(f"R23 {queue}: {front}'s {number} has overtaken an older one")
        if name in self.refused and not self.unclean:
            raise ViolationError(f"R23 {queue}: {front}'s {number} was refused, it is at {index}")

    def note_delivered(self, queue: str, message: Message, *, rightful: bool) -> None:
        index, name = message
        if index in self.settled and rightful:
            raise ViolationError(f"I5 {queue}[{index}] {name} is delivered after it was settled")
        if self.seen.setdefault(index, name) != name:
            raise ViolationError(
                f"I6 {queue}[{index}] was delivered as {self.seen[index]}, now {name}"
            )

    def note_serving(self, queue: str, epoch: int, log: StoredLog) -> None:
        """A new leader begins to serve: all that was confirmed must be there."""
        self.top_epoch = epoch
        for index, record in self.confirmed.items():
            if not log.holds(index, record, self.acked):
                raise ViolationError(f"LOST {queue}[{index}] {record}: not in epoch {epoch}")

    def give_up(self, log: StoredLog) -> None:
        """Somebody accepted the loss of what this log lacks, and of that only (R18)."""
        self.unclean = True
        self.full_since = 0
        for part in (self.confirmed, self.committed):
            lost = [i for i, record in part.items() if not log.holds(i, record, self.acked)]
            for index in lost:
                del part[index]
        self.places = {
            name: index for name, index in self.places.items() if index in self.committed
        }
        self.seen = {i: name for i, name in self.seen.items() if self._still_seen(log, i, name)}
        live = {message[0] for message in log.unsettled(log.end)}
        self.settled = {i for i in self.settled if i <= log.end and i not in live}
        self.acked = {i for i in self.acked if i <= log.end}

    @staticmethod
    def _still_seen(log: StoredLog, index: int, name: object) -> bool:
        return index <= log.base or (index <= log.end and log.at(index).argument == name)


@dataclass(slots=True)
class Ghost:
    """``answered`` has the highest epoch that a replica has promised to anybody."""

    queues: dict[str, Promises] = field(default_factory=dict)
    answered: dict[tuple[object, str], int] = field(default_factory=dict)
    periods: dict[str, int] = field(default_factory=dict)
    message_count: int = 0
    store_went_back: bool = False
    confirmed_count: int = 0
