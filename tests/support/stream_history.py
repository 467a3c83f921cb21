"""Histories of stream clients, written by hand: who published, who read, what is at the end."""

from collections.abc import Iterable

from load_generator.verifying.history import Action, Kind, Notebook, Row, Value

LAST = Value("s", 99, 1)
"""What is published last, for the readings of the whole stream."""


def value(counter: int, publisher: int = 1) -> Value:
    return Value("s", publisher, counter)


class StreamScript:
    """Rows in their order, about the stream ``s`` and publisher 1."""

    def __init__(self) -> None:
        self._notebook = Notebook(lambda: 0)
        self._reading = 100

    @property
    def rows(self) -> list[Row]:
        return self._notebook.rows

    def begun(self, *values: Value) -> "StreamScript":
        self._notebook.enqueue(Kind.INVOKE, 1, "n1", values)
        return self

    def said(self, kind: Kind, *values: Value) -> "StreamScript":
        self._notebook.enqueue(kind, 1, "n1", values)
        return self

    def published(self, *values: Value) -> "StreamScript":
        """Publish and confirm."""
        return self.begun(*values).said(Kind.OK, *values)

    def read(self, values: Iterable[Value], first: int = 0, reader: int = 7) -> "StreamScript":
        """Read messages at ascending offsets."""
        for offset, one in enumerate(values, first):
            self._notebook.read(Action.DELIVER, reader, "n2", one, offset)
        return self

    def ended(self, *values: Value, times: int = 1) -> "StreamScript":
        """Publish the last message, and find these and it at the offsets from 0 on."""
        last = LAST._replace(publisher=LAST.publisher + self._reading)
        return self.published(last).found(*values, last, times=times)

    def found(self, *values: Value, first: int = 0, times: int = 1) -> "StreamScript":
        """Read the whole stream, which ends at the last of these."""
        for _ in range(times):
            self._reading += 1
            for offset, one in enumerate(values, first):
                self._notebook.read(Action.DRAIN, self._reading, "n3", one, offset)
            end = first + len(values) - 1
            self._notebook.read(Action.END, self._reading, "n3", values[-1], end)
        return self
