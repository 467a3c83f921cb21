"""Heartbeats of one connection as deadlines, without a timer.

Both sides agreed on the interval T. We send a heartbeat when nothing else was sent for T/2. We give
the peer up when nothing was received for 2T. While its socket is not read (an alarm, answers that
wait), silence proves nothing and is not counted. The kernel then finds out whether our output
arrives.

Source: AMQP 0-9-1 §4.2.7; RabbitMQ, heartbeats ("two missed heartbeats", sent every T/2).
"""


class Heartbeat:
    """The times to send a heartbeat and to count the peer as dead; all in ms.

    Attributes:
        received_at_ms: time of the last received bytes; written at every read.
        sent_at_ms: time of the last sent bytes; written at every write.
        is_suspended: silence of the peer is not counted.
    """

    __slots__ = ("_interval_ms", "is_suspended", "received_at_ms", "sent_at_ms")

    def __init__(self, interval_s: int, now_ms: int) -> None:
        """Start counting; an interval of 0 s switches heartbeats off."""
        self.is_suspended = False
        self.agree(interval_s, now_ms)

    def agree(self, interval_s: int, now_ms: int) -> None:
        """Count from now, with the interval that both sides have agreed on; 0 s is off."""
        self._interval_ms = interval_s * 1000
        self.received_at_ms = now_ms
        self.sent_at_ms = now_ms

    def hear(self, *, can_be_heard: bool, now_ms: int) -> None:
        """Count silence from now on, or stop: without reading, silence cannot be known."""
        self.is_suspended = not can_be_heard
        self.received_at_ms = now_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether a heartbeat must be sent."""
        return bool(self._interval_ms) and now_ms >= self.sent_at_ms + self._interval_ms // 2

    def is_peer_dead(self, now_ms: int) -> bool:
        """Whether the peer was silent for two intervals."""
        if not self._interval_ms or self.is_suspended:
            return False
        return now_ms >= self.received_at_ms + 2 * self._interval_ms

    def next_deadline_ms(self) -> int | None:
        """Return when one of the two can become true; None with heartbeats off."""
        if not self._interval_ms:
            return None
        send_at_ms = self.sent_at_ms + self._interval_ms // 2
        if self.is_suspended:
            return send_at_ms
        return min(send_at_ms, self.received_at_ms + 2 * self._interval_ms)
