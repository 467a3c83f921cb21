"""What programs know of a stream that is compacted: the last message of each key is always there.

The key of a message follows from its number. As ``tests.crash.stream_ledger``, but for this:

- offsets may be gone, and the first offset may fall, since a crash may take a compaction back;
- the last message of each key that any read has found is found by every later one;
- so is a message that was confirmed, or one of its key that its publisher sent later, or one of
  another publisher.
"""

from collections.abc import Iterator
from typing import Final

from load_generator.wire import FieldValue
from tests.crash.history import Value
from tests.crash.stream_ledger import Ledger

KEYS: Final = 50
COMPACT_KEY: Final = "key"


class CompactedLedger(Ledger):
    """A ``Ledger`` of a stream that keeps the last message of each key."""

    is_compacted = True

    def __init__(self, name: str, numbers: Iterator[int] | None = None) -> None:
        super().__init__(name, numbers, has_retention=True)
        self._last: dict[int, int] = {}
        """The highest offset that was ever read of each key."""
        self._found: dict[int, Value] = {}

    def headers_of(self, value: Value) -> dict[str, FieldValue]:
        """Return the headers of a message."""
        return {COMPACT_KEY: key_of(value)}

    def begin_judging(self) -> None:
        """Forget what was found before: all is read from now on."""
        self._found.clear()

    def read(self, offset: int, body: bytes, message: bytes | None = None) -> Value | None:
        """Note what an offset has."""
        value = super().read(offset, body, message)
        if value is not None:
            self._found[offset] = value
            key = key_of(value)
            self._last[key] = max(self._last.get(key, -1), offset)
        return value

    def judge(self, offsets: range) -> None:
        """Look at what was found since ``begin_judging``."""
        if offsets.stop < self.next_offset:
            self.say(f"ends with {offsets.stop}, but {self.next_offset - 1} was read")
        for key, offset in self._last.items():
            if offset not in self._found:
                self.say(f"offset {offset}, the last of key {key}, is gone")
        by_publisher: dict[int, list[int]] = {}
        for offset in sorted(self._found):
            value = self._found[offset]
            by_publisher.setdefault(value.publisher, []).append(value.counter)
        self._judge_order(by_publisher)
        for publisher, counters in self._confirmed.items():
            self._judge_keys(publisher, counters)

    def _judge_keys(self, publisher: int, confirmed: set[int]) -> None:
        """Look whether the last of each key is as late as what was confirmed."""
        newest: dict[int, int] = {}
        for counter in confirmed:
            key = key_of(Value(publisher, counter))
            newest[key] = max(newest.get(key, 0), counter)
        for key, counter in newest.items():
            last = self._found.get(self._last.get(key, -1))
            is_older = last is not None and last.publisher == publisher and last.counter < counter
            if last is None or is_older:
                self.say(f"publisher {publisher}: {counter} of key {key} is lost, {last} is last")


def key_of(value: Value) -> int:
    """Return the key of a message."""
    return value.counter % KEYS
