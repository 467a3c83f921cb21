"""A sans-IO connection and a broker that do what a test tells them, and note what they are told."""

from collections.abc import Callable
from typing import Self

from amqp_server.connections.peer import Peer
from amqp_server.net.connection import OnOutput


class FakeConnection:
    """Notes every call; ``on_data`` is what it does with bytes (by default: sends them back).

    The bytes ``quit`` close it, as a protocol error would.
    """

    def __init__(self, peer: Peer, on_output: OnOutput, now_ms: int) -> None:
        self.peer = peer
        self.on_output = on_output
        self.made_at_ms = now_ms
        self.received = bytearray()
        self.rest = b""
        self.outbox: list[bytes | memoryview] = []
        self.is_wanted = True
        self.is_closed = False
        self.is_open = True
        self.is_delivering = True
        self.eof_count = 0
        self.lost_count = 0
        self.is_blocked = False
        self.is_waited_for = True
        self.has_input_left = False
        self.has_ended = False
        self.deadline_ms: int | None = None
        self.due_ms: int | None = None  # ask each time
        self.ticked_at_ms: list[int] = []
        self.shut_down_reason: str | None = None
        self.on_received: Callable[[], None] = lambda: None
        self.on_data: Callable[[bytes], None] = self.send
        self.on_told: Callable[[], None] = lambda: None
        self.on_eof: Callable[[], None] = lambda: None
        self.on_shut_down: Callable[[], None] = self.close

    @property
    def intake(self) -> Self:
        """Itself: it keeps what is left over."""
        return self

    @property
    def life(self) -> Self:
        """Itself."""
        return self

    @property
    def reading(self) -> Self:
        """Itself."""
        return self

    def take_rest(self, max_bytes: int) -> bytes:
        rest, self.rest = self.rest, b""
        assert len(rest) <= max_bytes, "a test that leaves more over says so in its own fake"
        return rest

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        assert self.eof_count == 0, "no bytes after the end"
        self.received += data
        self.on_received()
        if bytes(data) == b"quit":
            self.send(b"bye")
            self.close()
        else:
            self.on_data(bytes(data))

    def receive_eof(self, now_ms: int) -> None:
        """End at once, unless a test says that input is left."""
        self.eof_count += 1
        self.on_told()
        if not self.has_input_left:
            self._end()

    def lose(self, now_ms: int) -> None:
        self.lost_count += 1
        self.on_told()
        self._end()

    def _end(self) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.on_eof()
            self.close()

    def data_to_send(self) -> list[bytes | memoryview]:
        chunks, self.outbox = self.outbox, []
        return chunks

    def pause_deliveries(self) -> None:
        self.is_delivering = False

    def resume_deliveries(self) -> None:
        self.is_delivering = True

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms

    def on_deadline(self, now_ms: int) -> None:
        self.ticked_at_ms.append(now_ms)
        self.deadline_ms = None

    def shut_down(self, reason: str, now_ms: int) -> None:
        self.shut_down_reason = reason
        self.send(b"closing")
        self.on_shut_down()

    # What a test does with it.

    def send(self, *chunks: bytes | memoryview) -> None:
        self.outbox += chunks
        self.on_output()

    def close(self) -> None:
        self.is_closed = True
        self.on_output()


class FakeBroker:
    """Counts turns; ``on_turn`` runs in each, and ``more_turns_count`` of them say: more."""

    def __init__(self) -> None:
        self.turns_count = 0
        self.begun_count = 0
        self.carried_on_count = 0
        self.more_turns_count = 0
        self.deadline_ms: int | None = None
        self.ticks_count = 0
        self.on_turn: Callable[[], None] = lambda: None

    def begin_turn(self) -> None:
        self.begun_count += 1

    def end_turn(self, now_ms: int, *, carries_on: bool) -> bool:
        self.turns_count += 1
        self.carried_on_count += carries_on
        self.on_turn()
        if self.more_turns_count > 0:
            self.more_turns_count -= 1
            return True
        return False

    def woken_by(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms

    def on_deadline(self, now_ms: int) -> None:
        self.ticks_count += 1
        self.deadline_ms = None
