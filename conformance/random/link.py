"""One connection of a script: sends methods, and reads the answers of all channels."""

import contextlib
from collections import Counter
from typing import NamedTuple

from pamqp import base, commands

from conformance.address import Address
from conformance.client import Connection
from conformance.events import ConnectionLostError, Event
from conformance.wire import FRAME_METHOD, encode_method, frame_bytes

ANSWER_TIMEOUT_S = 5.0

_FLOW = encode_method(commands.Channel.Flow, active=True)
_OPEN = encode_method(commands.Channel.Open)
_CLOSE_OK = encode_method(commands.Channel.CloseOk)


class News(NamedTuple):
    """A method that came, and the number of its channel; 0 is the connection.

    ``event`` is None if the connection ended without a close, and ``why`` is the reason.
    """

    number: int
    event: Event | None
    why: str = ""


class Link:
    """A connection, its open channels, and its *observers*: channels that each ask about one queue.

    In RabbitMQ a passive declare passes through the queue's process, and a ``channel.flow`` through
    the channel's. After several of both nothing is under way any more. Neither of them changes
    anything.

    Args:
        address: the broker.
        first_observer: number of the first channel that may belong to an observer.
    """

    def __init__(self, address: Address, first_observer: int) -> None:
        self._connection = Connection(address, ANSWER_TIMEOUT_S).open()
        self._first_observer = first_observer
        self._out = bytearray()
        self._due: Counter[int] = Counter()
        self.is_open = True
        self.channels: set[int] = set()
        self.observers: dict[str, int] = {}
        self._queues: dict[int, str] = {}
        self._observing: set[int] = set()
        self.counts: dict[str, tuple[int, int]] = {}

    def say(self, number: int, kind: type[base.Frame], **given: object) -> None:
        """Add a method to the bytes to send."""
        self._out += frame_bytes(FRAME_METHOD, number, encode_method(kind, **given))

    def say_raw(self, raw: bytes) -> None:
        """Add frames to the bytes to send."""
        self._out += raw

    def send(self) -> None:
        """Send everything added, in one write; a lost connection is noticed at the next read."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(bytes(self._out))
        self._out.clear()

    def open_channel(self, number: int) -> None:
        """Open a channel if it is not open; its open-ok is not reported."""
        if number not in self.channels:
            self._out += frame_bytes(FRAME_METHOD, number, _OPEN)
            self.channels.add(number)

    def observe(self, queue: str) -> None:
        """Ask about a queue from now on; the name is its real one."""
        if queue not in self.observers:
            number = self._first_observer + len(self.observers)
            self.observers[queue] = number
            self._queues[number] = queue
        number = self.observers[queue]
        if number not in self._observing:
            self._out += frame_bytes(FRAME_METHOD, number, _OPEN)
            self._observing.add(number)

    def observed(self) -> list[str]:
        """Return the observed queues that existed at the last answer."""
        return [self._queues[number] for number in sorted(self._observing)]

    def ask(self) -> None:
        """Ask about every observed queue and every channel."""
        if not self.is_open:
            return
        for number in self._observing:
            self.say(number, commands.Queue.Declare, queue=self._queues[number], passive=True)
            self._due[number] += 1
        for number in self.channels:
            self._out += frame_bytes(FRAME_METHOD, number, _FLOW)
            self._due[number] += 1
        self.send()

    def hear(self) -> list[News]:
        """Read until all questions are answered; return everything else that came."""
        news = []
        while self.is_open and +self._due:
            found = self.read()
            if found is not None and not self._is_answer(found):
                news.append(found)
        return news

    def _is_answer(self, news: News) -> bool:
        number, event, _ = news
        if event is None:
            return False
        method = event.method
        if self._due[number] and isinstance(method, commands.Channel.FlowOk):
            self._due[number] -= 1
            return True
        queue = self._queues.get(number)
        if queue is None:
            return False
        if isinstance(method, commands.Queue.DeclareOk):
            self._due[number] -= 1
            self.counts[queue] = (method.message_count or 0, method.consumer_count or 0)
        return True

    def read(self) -> News | None:
        """Read one method, and answer it if it is a close; None is an answer to ``open_channel``.

        If the connection has ended, or nothing came for seconds, the link ends: the result is then
        news of channel 0.
        """
        try:
            number, event = self._connection.read_event()
        except (ConnectionLostError, TimeoutError) as error:
            self._end()
            silent = isinstance(error, TimeoutError)
            text = "no answer in time" if silent else "connection lost"
            return News(0, None, text)
        method = event.method
        if isinstance(method, commands.Channel.OpenOk):
            return None
        if isinstance(method, commands.Channel.Close):
            self._channel_closed(number)
        elif isinstance(method, commands.Connection.Close):
            self._connection.send_method(0, commands.Connection.CloseOk)
            with contextlib.suppress(OSError, TimeoutError, AssertionError):
                self._connection.expect_end()
            self._end()
        return News(number, event)

    def _channel_closed(self, number: int) -> None:
        self._out += frame_bytes(FRAME_METHOD, number, _CLOSE_OK)
        self.send()
        self._due.pop(number, None)
        self.channels.discard(number)
        if number in self._observing:
            self._observing.discard(number)
            self.counts.pop(self._queues[number], None)

    def _end(self) -> None:
        self.is_open = False
        self._due.clear()
        self.channels.clear()
        self._observing.clear()
        self.counts.clear()
        self._connection.close()

    def shut(self) -> News | None:
        """Close the connection as a client does; None if close-ok came, else what came."""
        if not self.is_open:
            return None
        self.say(0, commands.Connection.Close, reply_code=200)
        self.send()
        while True:
            news = self.read()
            if news is None or news.number != 0:
                continue
            event = news.event
            if event is None or not isinstance(event.method, commands.Connection.CloseOk):
                return news
            self._end()
            return None
