"""What a reader of a stream needs around it, in tests."""

from queues.stream.memory_log import MemoryStreamLog
from queues.stream.reader import Reader


class NoStream:
    """A ``queues.stream.reader.Stream`` that remembers what it was told."""

    def __init__(self) -> None:
        self.log = MemoryStreamLog()
        self.held: list[Reader] = []
        self.errors: list[OSError] = []

    def hold_back(self, reader: Reader) -> None:
        self.held.append(reader)

    def read_again(self, error: OSError, now_ms: int) -> None:
        self.errors.append(error)
