"""One publishing connection of the stream protocol."""

import struct
from typing import Final

from load_generator.lane import UNLIMITED
from load_generator.load import Load
from load_generator.streams import commands
from load_generator.streams.commands import HEAD, Frame
from load_generator.streams.frames import FrameRing
from load_generator.streams.session import StreamSession
from load_generator.wire import BrokerRefusalError

_READ_BYTES: Final = 1 << 18
_NS_PER_S: Final = 1_000_000_000
_ITEM_BYTES: Final = {commands.PUBLISH_CONFIRM: 8, commands.PUBLISH_ERROR: 10}


class StreamLane:
    """Writes the frames that are due and within the limits, and counts the answers.

    Attributes:
        published_count: messages of which all octets were handed to the socket.
        confirmed_count: messages that the broker confirmed.
        nacked_count: messages that it refused.
        is_full: the last write found no room in the socket, or too little.

    Invariant: the messages not yet answered are at most the load's confirm window, if it has one.
    The broker confirms always; without a window the answers are only counted.
    """

    def __init__(self, session: StreamSession, ring: FrameRing, load: Load, count_max: int) -> None:
        """Declare a publisher for each stream of the ring; ``count_max`` 0 is no limit."""
        for publisher_id, stream in enumerate(ring.streams):
            body = bytes([publisher_id]) + commands.string("") + commands.string(stream)
            session.call(commands.DECLARE_PUBLISHER, body)
        self.socket = session.socket
        self.socket.settimeout(0)
        self.published_count = self.confirmed_count = self.nacked_count = 0
        self.is_full = False
        assert load.streaming is not None, "a load of streams"
        self._each = max(1, load.streaming.sub_entry_count)
        self._ring = ring
        self._count_max = count_max or UNLIMITED
        self._window = load.confirm_window or UNLIMITED
        self._write_count_max = max(load.streaming.batch_count, self._window // 5)
        self._rate_per_ns = load.rate_per_s / _NS_PER_S
        self._interval_ns = 1 / self._rate_per_ns if self._rate_per_ns else 0.0
        self._has_instants = load.has_instants
        self._start_ns = 0
        self._octets = memoryview(b"")
        self._octets_count = 0
        self._received = session.take_rest()

    @property
    def is_done(self) -> bool:
        """All messages are with the socket; a rest that fills no sub-entry is left out."""
        return self._count_max - self.published_count < self._each

    @property
    def is_answered(self) -> bool:
        """Nothing is outstanding."""
        return self.published_count <= self.confirmed_count + self.nacked_count

    def start(self, now_ns: int) -> None:
        """Let the rate begin."""
        self._start_ns = now_ns

    def due_ns(self) -> int:
        """Return when the next frame is due, by the rate; 0 without a rate."""
        if not self._rate_per_ns:
            return 0
        count = self.published_count + self._ring.next_count()
        return self._start_ns + round(count / self._rate_per_ns)

    def write(self, now_ns: int, room: int) -> int:
        """Write what may be written now, and return how many messages are now with the socket."""
        if not self._octets:
            self._take(now_ns, room)
        if not self._octets:
            return 0
        try:
            sent = self.socket.send(self._octets)
        except BlockingIOError:
            sent = 0
        self._octets = self._octets[sent:]
        self.is_full = bool(self._octets)
        if self.is_full:
            return 0
        count, self._octets_count = self._octets_count, 0
        self.published_count += count
        return count

    def _take(self, now_ns: int, room: int) -> None:
        outstanding = self.published_count - self.confirmed_count - self.nacked_count
        left = self._count_max - self.published_count
        # Writes are small compared with the window; else the publisher would stop after each.
        count_max = min(room, left, self._window - outstanding, self._write_count_max)
        if self._rate_per_ns:
            due_count = int((now_ns - self._start_ns) * self._rate_per_ns)
            count_max = min(count_max, due_count - self.published_count)
        is_last = left < self._ring.next_count() and count_max == left
        if is_last:
            due_ns = self._due_ns(now_ns, left)
            self._octets, self._octets_count = self._ring.take_rest(left, due_ns)
        elif count_max > 0:
            self._octets, self._octets_count = self._ring.take(count_max)
            if self._has_instants:
                self._ring.stamp(self._due_ns(now_ns, 0), self._interval_ns)

    def _due_ns(self, now_ns: int, count: int) -> int:
        """Return when so many more messages are due: by the rate, or now without one."""
        if not self._rate_per_ns:
            return now_ns
        return self._start_ns + round((self.published_count + count) * self._interval_ns)

    def finish(self) -> None:
        """Hand the rest of a frame to the socket, so that the connection can be closed."""
        self.socket.settimeout(1)
        try:
            self.socket.sendall(self._octets)
        except OSError:
            return
        self.published_count += self._octets_count
        self._octets, self._octets_count = memoryview(b""), 0
        self.socket.settimeout(0)

    def read(self) -> None:
        """Count the answers that have come.

        Raises:
            BrokerRefusalError: the broker closed, or something else came.
        """
        try:
            octets = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        if not octets:
            raise BrokerRefusalError("the broker ended the connection")
        received = self._received + octets if self._received else octets
        at, end = 0, len(received)
        while end - at >= HEAD.size:
            size_bytes, key, _ = HEAD.unpack_from(received, at)
            stop = at + commands.SIZE_BYTES + size_bytes
            if stop > end:
                break
            self._answered(received, key, at + HEAD.size, stop)
            at = stop
        self._received = received[at:]

    def _answered(self, received: bytes, key: int, at: int, stop: int) -> None:
        if key == commands.HEARTBEAT:
            return
        if key not in _ITEM_BYTES:
            raise commands.refusal(Frame(key, received[at:stop]))
        (count,) = struct.unpack_from(">I", received, at + 1)
        if stop - at != 5 + count * _ITEM_BYTES[key]:
            raise BrokerRefusalError(f"{count} answers in {stop - at} octets")
        if key == commands.PUBLISH_CONFIRM:
            self.confirmed_count += count * self._each
        else:
            self.nacked_count += count * self._each
