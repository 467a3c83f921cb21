"""What the clients of a run saw, row by row, as the checkers read it.

A publish is noted before it is written, and a delivery before it is acked: a fault between the two
then shows as a duplicate, and never as a loss. All rows have the time of one monotonic clock.
"""

import json
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple


class Value(NamedTuple):
    """A message, which is published once; to a stream again, while nobody says what became of it.

    Attributes:
        queue: that it is published to.
        publisher: number of the connection that publishes it; no two have the same. One who
            publishes to a stream keeps it over connections.
        counter: its place among the messages of that publisher, from 1.
    """

    queue: str
    publisher: int
    counter: int


class Kind(Enum):
    """How an action stands.

    INVOKE: it begins. OK: it is done. FAIL: it was refused. INFO: it may or may not have happened,
    and nobody will say.
    """

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Action(Enum):
    """What a row is about.

    ENQUEUE: INVOKE before the publish; OK confirmed; FAIL nacked or returned; INFO unknown.
    DELIVER: OK when a message arrives at a consumer. DRAIN: the same, by the ``get`` of the end, or
    where a whole stream is read. END: OK when that has come to what was published last.
    ACK: INVOKE when it is written; OK when a round trip on its channel has succeeded since.
    FAULT: INVOKE when a fault begins; OK when all is mended and every node serves again.
    """

    ENQUEUE = "enqueue"
    DELIVER = "deliver"
    DRAIN = "drain"
    END = "end"
    ACK = "ack"
    FAULT = "fault"


class Row(NamedTuple):
    """One line of a history.

    Attributes:
        at_ms: on the one clock.
        client: number of the connection; one that ended is not used again. Publishers and readers
            of streams keep theirs over connections, and are numbered apart. 0 of a fault.
        kind, action: see there.
        value: None of a fault.
        node: that the client is connected to; of a fault, what is done.
        redelivered: of DELIVER and DRAIN, as the broker said.
        offset: of the message in its stream, as the broker said; None where there is none.
    """

    at_ms: int
    client: int
    kind: Kind
    action: Action
    value: Value | None = None
    node: str = ""
    redelivered: bool = False
    offset: int | None = None


class Notebook:
    """Takes the rows of all threads of a run.

    Attributes:
        rows: in the order in which they were noted.
        oddities: what no broker may do, in words: a confirm of what was not published, and so on.
        now_ms: the one clock.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """Begin.

        Args:
            now_ms: the one clock.
        """
        self.rows: list[Row] = []
        self.oddities: list[str] = []
        self.now_ms = now_ms
        self._lock = threading.Lock()
        self._last_number = 0

    def number(self) -> int:
        """Return a number that no connection has had."""
        with self._lock:
            self._last_number += 1
            return self._last_number

    def enqueue(self, kind: Kind, client: int, node: str, values: Iterable[Value]) -> None:
        """Note how publishes stand."""
        now_ms = self.now_ms()
        self.rows.extend(Row(now_ms, client, kind, Action.ENQUEUE, one, node) for one in values)

    def deliver(
        self, action: Action, client: int, node: str, value: Value, *, redelivered: bool
    ) -> None:
        """Note that a message arrived; the action is DELIVER or DRAIN."""
        row = Row(self.now_ms(), client, Kind.OK, action, value, node, redelivered)
        self.rows.append(row)

    def read(self, action: Action, client: int, node: str, value: Value, offset: int) -> None:
        """Note what was at an offset of a stream; the action is DELIVER, DRAIN or END."""
        row = Row(self.now_ms(), client, Kind.OK, action, value, node, offset=offset)
        self.rows.append(row)

    def ack(self, kind: Kind, client: int, node: str, values: Iterable[Value]) -> None:
        """Note how acks stand."""
        now_ms = self.now_ms()
        self.rows.extend(Row(now_ms, client, kind, Action.ACK, one, node) for one in values)

    def fault(self, kind: Kind, name: str) -> int:
        """Note that a fault begins or is mended, and return when."""
        now_ms = self.now_ms()
        self.rows.append(Row(now_ms, 0, kind, Action.FAULT, None, name))
        return now_ms

    def odd(self, text: str) -> None:
        """Note what must not be."""
        self.oddities.append(f"at {self.now_ms()} ms: {text}")


def write_history(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            shown = {
                "t": row.at_ms,
                "p": row.client,
                "type": row.kind.value,
                "f": row.action.value,
                "v": row.value,
                "node": row.node,
                "redelivered": row.redelivered,
                "offset": row.offset,
            }
            file.write(json.dumps(shown) + "\n")


def read_history(path: Path) -> list[Row]:
    """Return the rows that ``write_history`` wrote.

    Raises:
        OSError, ValueError, KeyError: there is no such file, or it holds something else.
    """
    rows = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            seen = json.loads(line)
            value = None if seen["v"] is None else Value(*seen["v"])
            kind, action = Kind(seen["type"]), Action(seen["f"])
            fields = (seen["t"], seen["p"], kind, action, value, seen["node"])
            rows.append(Row(*fields, seen["redelivered"], seen["offset"]))
    return rows
