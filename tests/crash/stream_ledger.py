"""What programs know of a stream, and whether it is still so: the checker of the stream kill loop.

``wrong`` gets a line for each of these:

- an offset that any two reads, of either protocol, found with another content;
- a message that nobody published, or one that is not as it was published;
- a message that was confirmed and is not there, if retention does not explain it;
- a publisher's messages in another order than its own, or one of them at two offsets;
- offsets with a gap; first offsets that fall; a stored offset ahead of what its consumer stored, or
  behind what was known to be stored long before the kill.
"""

import hashlib
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Final

from load_generator.wire import FieldValue
from tests.crash.history import Value

WRONG_MAX: Final = 20
_DATA: Final = b"\x00\x53\x75"
_SMALL: Final = 0xA0
_LARGE: Final = 0xB0


def now_ms() -> int:
    """Return an instant."""
    return time.monotonic_ns() // 1_000_000


def body_of(value: Value, size_bytes: int) -> bytes:
    """Return the body of a message: its name, and a pattern that follows from that."""
    name = f"{value.publisher}-{value.counter}-{size_bytes}|".encode()
    pattern = hashlib.blake2b(name).digest()
    return name + (pattern * (size_bytes // len(pattern) + 1))[:size_bytes]


def value_of(body: bytes) -> Value:
    """Return which message this is.

    Raises:
        ValueError: it is not as it was published.
    """
    publisher, counter, size_bytes = map(int, body[: body.index(b"|")].split(b"-"))
    value = Value(publisher, counter)
    if body != body_of(value, size_bytes):
        raise ValueError(f"{value} is damaged")
    return value


def message_of(body: bytes) -> bytes:
    """Return the AMQP 1.0 message of a body."""
    return _DATA + bytes((_LARGE,)) + len(body).to_bytes(4, "big") + body


def body_in(message: bytes) -> bytes:
    """Return the body of an AMQP 1.0 message, which is its last section."""
    at = message.index(_DATA) + len(_DATA)
    size_at = at + 1
    body_at = size_at + {_SMALL: 1, _LARGE: 4}[message[at]]
    assert int.from_bytes(message[size_at:body_at], "big") == len(message) - body_at
    return message[body_at:]


class Ledger:
    """One stream, from its declaration to its deletion.

    Args:
        name: of the stream.
        numbers: of publishers, never used twice.
        has_retention: what is old may be gone.
        may_repeat: a message may come twice, in any order: dead letters.

    Attributes:
        wrong: what must not be; empty is valid.
        confirmed_count, read_count: how many.
        next_offset: behind the highest offset that was read.
        is_compacted: offsets may be gone.
    """

    is_compacted = False

    def __init__(
        self,
        name: str,
        numbers: Iterator[int] | None = None,
        *,
        has_retention: bool = False,
        may_repeat: bool = False,
    ) -> None:
        self.name = name
        self.has_retention = has_retention
        self.wrong: list[str] = []
        self.confirmed_count = 0
        self.read_count = 0
        self.next_offset = 0
        self._numbers = count(1) if numbers is None else numbers
        self._may_repeat = may_repeat
        self._published: dict[int, int] = {}
        self._confirmed: dict[int, set[int]] = {}
        self._contents: dict[int, Value] = {}
        self._octets: dict[int, int] = {}
        self._first_offset = 0

    def headers_of(self, value: Value) -> dict[str, FieldValue] | None:
        """Return the headers of a message; None for none."""
        return None

    def begin_judging(self) -> None:
        """All is read from now on, up to ``judge``."""

    def new_publisher(self) -> int:
        """Return the number of a new publisher."""
        number = next(self._numbers)
        self._published[number] = 0
        return number

    def publish(self, publisher: int) -> Value:
        """Note the next message of a publisher, and return it."""
        self._published[publisher] += 1
        return Value(publisher, self._published[publisher])

    def confirm(self, value: Value) -> None:
        """Note that a message was confirmed."""
        counters = self._confirmed.setdefault(value.publisher, set())
        if value.counter not in counters:
            counters.add(value.counter)
            self.confirmed_count += 1

    def read(self, offset: int, body: bytes, message: bytes | None = None) -> Value | None:
        """Note what an offset has; ``message`` are its octets as the stream protocol shows them."""
        self.read_count += 1
        self.next_offset = max(self.next_offset, offset + 1)
        try:
            value = value_of(body)
        except ValueError as error:
            self.say(f"offset {offset}: {error}, {body[:60]!r}")
            return None
        known = self._contents.setdefault(offset, value)
        if known != value:
            self.say(f"offset {offset}: was {known}, is {value}")
        if value.counter > self._published.get(value.publisher, 0):
            self.say(f"offset {offset}: {value} was never published")
        if message is not None:
            crc = zlib.crc32(message)
            if self._octets.setdefault(offset, crc) != crc:
                self.say(f"offset {offset}: {value} has other octets than before")
        return value

    def say(self, line: str) -> None:
        """Note what is wrong."""
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{self.name}: {line}")

    def judge(self, offsets: range) -> None:
        """Look at everything, which has just been read: these are all offsets that there are."""
        if offsets.start and not self.has_retention:
            self.say(f"begins with offset {offsets.start}")
        if offsets.start < self._first_offset:
            self.say(f"begins with offset {offsets.start}, before with {self._first_offset}")
        self._first_offset = offsets.start
        if offsets.stop < self.next_offset:
            self.say(f"ends with {offsets.stop}, but {self.next_offset - 1} was read")
        self._forget_below(offsets.start)
        found: dict[int, list[int]] = {}
        for offset in offsets:
            if (value := self._contents.get(offset)) is not None:
                found.setdefault(value.publisher, []).append(value.counter)
        if not self._may_repeat:
            self._judge_order(found)
        for publisher, counters in self._confirmed.items():
            self._judge_confirmed(publisher, counters, found.get(publisher, []))

    def _forget_below(self, first_offset: int) -> None:
        for known in (self._contents, self._octets):
            for offset in [each for each in known if each < first_offset]:
                del known[offset]

    def _judge_order(self, found: dict[int, list[int]]) -> None:
        for publisher, counters in found.items():
            for before, after in pairwise(counters):
                if after <= before:
                    self.say(f"publisher {publisher}: {after} comes behind {before}")
                    break

    def _judge_confirmed(self, publisher: int, confirmed: set[int], found: list[int]) -> None:
        lost = confirmed - set(found)
        if self.has_retention:
            # What retention takes is older than what it leaves, and is not asked for again.
            if self._first_offset:
                lost = {counter for counter in lost if found and counter > found[0]}
            self._confirmed[publisher] = confirmed & set(found)
        if lost:
            self.say(f"publisher {publisher}: {len(lost)} lost, as {sorted(lost)[:5]}")


@dataclass(slots=True)
class Tracked:
    """A consumer whose offset is stored under its name.

    Attributes:
        name: the reference.
        ledger: of its stream.
        sent: the highest offset that it stored, or acked with all before; -1 is none.
        known: when it was known that this offset is stored, in order.
    """

    name: str
    ledger: Ledger
    sent: int = -1
    known: list[tuple[int, int]] = field(default_factory=list)

    def is_known(self, offset: int, at_ms: int) -> None:
        """Note that an offset has been stored."""
        self.known.append((at_ms, offset))

    def check(self, stored: int | None, safe_ms: int) -> None:
        """Look whether what is stored may be; what was known before ``safe_ms`` must."""
        found = -1 if stored is None else stored
        least = max((offset for at_ms, offset in self.known if at_ms <= safe_ms), default=-1)
        if found > self.sent:
            self.ledger.say(f"{self.name}: {found} is stored, {self.sent} was the last sent")
        if found < least:
            self.ledger.say(f"{self.name}: {found} is stored, {least} was known to be")
        self.sent = found
        self.known = [(now_ms(), found)]
