"""One publishing connection; it may wait only if its worker has no other."""

import socket
import time
from typing import Final

from load_generator import wire
from load_generator.confirms import ConfirmCounter
from load_generator.load import Load
from load_generator.messages import MessageRing
from load_generator.session import GOODBYE_TIMEOUT_S, Session, wait_in_kernel
from load_generator.wire import BrokerRefusalError

_READ_BYTES: Final = 1 << 18
_NS_PER_S: Final = 1_000_000_000
_NOTHING: Final = memoryview(b"")
UNLIMITED: Final = 1 << 62
ALONE_WAIT_S: Final = 0.1
"""A lane that is alone waits at most this long in one call of its socket."""


class Lane:
    """Writes the messages that are due and within the limits, and counts the answers.

    Attributes:
        published_count: messages of which all bytes were handed to the socket.
        counter: counts the answers to them.
        is_full: the last write found no room in the socket, or too little.

    Invariant: ``published_count`` is at most ``count_max``, and the publishes not yet answered are
    at most the load's confirm window.
    """

    def __init__(self, session: Session, ring: MessageRing, load: Load, count_max: int) -> None:
        """Take over the session's socket, and select confirms if the load has a window.

        Args:
            session: logged in, with its channel open.
            ring: the messages to publish.
            load: how to publish them.
            count_max: messages in all; 0 is no limit.
        """
        if load.confirm_window:
            request = wire.method(1, wire.CONFIRM_SELECT, b"\x00")
            session.call(request, wire.CONFIRM_SELECT_OK)
        self.published_count = 0
        self.counter = ConfirmCounter()
        self.counter.is_blocked = session.is_blocked
        self.is_full = False
        self.socket = session.socket
        self._blocked_ns = 0
        self._blocked_at_ns: int | None = time.monotonic_ns() if session.is_blocked else None
        self._ring = ring
        self._count_max = count_max or UNLIMITED
        self._window = load.confirm_window or UNLIMITED
        self._confirms = bool(load.confirm_window)
        self._has_instants = load.has_instants
        self._interval_ns = _NS_PER_S / load.rate_per_s if load.rate_per_s else 0.0
        self._start_ns = 0
        # Only the backlog limits such a lane. A further check would cost as much as a system call.
        self._is_unbounded = not (count_max or load.confirm_window or load.rate_per_s)
        self._left = _NOTHING
        self._send = session.socket.send
        self._left_count = 0
        if rest := session.take_rest():
            self.counter.received(rest)

    def start(self, start_ns: int, *, is_alone: bool = False) -> None:
        """Begin.

        Args:
            start_ns: the instant at which the first message is due.
            is_alone: ``write`` and ``read`` wait up to ALONE_WAIT_S; else they never wait.
        """
        self._start_ns = start_ns
        if is_alone:
            wait_in_kernel(self.socket, ALONE_WAIT_S, ALONE_WAIT_S)
        else:
            self.socket.settimeout(0)

    @property
    def is_bounded(self) -> bool:
        """Whether this lane publishes a limited number."""
        return self._count_max < UNLIMITED

    @property
    def is_done(self) -> bool:
        """All messages of this lane were handed to the socket."""
        return self.published_count >= self._count_max

    @property
    def is_answered(self) -> bool:
        """All publishes have been confirmed or refused."""
        return not self._confirms or self.counter.answered_count >= self.published_count

    def write(self, now_ns: int, room: int) -> int:
        """Write once: the rest of the last write, or new messages.

        Args:
            now_ns: messages that are due later are not written.
            room: most new messages.

        Returns:
            The number of messages that became complete.

        Raises:
            OSError: the connection is gone.
        """
        if not self._left:
            count = room if self._is_unbounded else self._allowed(now_ns, room)
            if count <= 0:
                self.is_full = False
                return 0
            self._left, self._left_count = self._ring.take(count)
            if self._has_instants:
                due_ns = self.due_ns() if self._interval_ns else now_ns
                self._ring.stamp(self._left_count, due_ns, self._interval_ns)
        try:
            sent_bytes = self._send(self._left)
        except BlockingIOError:
            sent_bytes = 0
        if sent_bytes < len(self._left):
            self._left = self._left[sent_bytes:]
            self.is_full = True
            return 0
        return self._complete()

    def _complete(self) -> int:
        self._left = _NOTHING
        self.is_full = False
        count, self._left_count = self._left_count, 0
        self.published_count += count
        return count

    def _allowed(self, now_ns: int, room: int) -> int:
        count = min(
            room,
            self._count_max - self.published_count,
            self._window - (self.published_count - self.counter.answered_count)
            if self._confirms
            else UNLIMITED,
        )
        if self._interval_ns and count > 0:
            due = int((now_ns - self._start_ns) / self._interval_ns) + 1
            count = min(count, due - self.published_count)
        return count

    @property
    def is_paced(self) -> bool:
        """There is a rate, so each message has an instant at which it is due."""
        return bool(self._interval_ns)

    def due_ns(self) -> int:
        """Return the instant at which the next message is due; without a rate, the first's."""
        return self._start_ns + round(self.published_count * self._interval_ns)

    def read(self, flags: int = 0) -> None:
        """Count the answers that the broker has sent, if any.

        Args:
            flags: of the system call; MSG_DONTWAIT if a lane that is alone must not wait.

        Raises:
            BrokerRefusalError: it closed, ended the connection, or answered a publish too many.
            OSError: the connection is gone.
        """
        try:
            octets = self.socket.recv(_READ_BYTES, flags)
        except BlockingIOError:
            return
        if not octets:
            raise BrokerRefusalError("the broker ended the connection")
        counter = self.counter
        counter.received(octets)
        if counter.is_blocked is not (self._blocked_at_ns is not None):
            self._note_block(time.monotonic_ns())
        if counter.highest_tag > self.published_count + self._left_count:
            raise BrokerRefusalError(
                f"an answer to publish {counter.highest_tag} after {self.published_count} of them"
            )

    def blocked_ns(self) -> int:
        """Return the total time for which the broker has blocked this connection until now."""
        if self._blocked_at_ns is None:
            return self._blocked_ns
        return self._blocked_ns + time.monotonic_ns() - self._blocked_at_ns

    def _note_block(self, now_ns: int) -> None:
        if self._blocked_at_ns is None:
            self._blocked_at_ns = now_ns
        else:
            self._blocked_ns += now_ns - self._blocked_at_ns
            self._blocked_at_ns = None

    def finish(self) -> None:
        """Send the rest of the last write, so that the connection can be closed in order.

        If the broker no longer reads, this ends after GOODBYE_TIMEOUT_S.
        """
        deadline_s = time.monotonic() + GOODBYE_TIMEOUT_S
        try:
            while self._left and (left_s := deadline_s - time.monotonic()) > 0:
                self.socket.settimeout(left_s)
                self._left = self._left[self.socket.send(self._left) :]
                if not self._left:
                    self._complete()
        except (TimeoutError, BlockingIOError):
            # The figures are complete without it. The broker sees a broken connection.
            self.socket.shutdown(socket.SHUT_WR)
        finally:
            self.socket.settimeout(0)
