"""A look at messages that stay where they are: what it shows, and how far it goes."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from amqp_server.broker.messages.fingerprint import fingerprint
from amqp_server.broker.messages.message_filter import EVERY_MESSAGE, MessageFilter
from amqp_server.broker.messages.shown import shown_properties, shown_types
from queues.looking import LookedMessage, LookPlace

SHOWN_MAX: Final = 500
"""Most messages that one look shows, however many were asked for."""

SHOWN_BYTES_MAX: Final = 8 << 20
"""A look ends with the message that takes its payloads to this size; a longer one is cut there."""

SCANNED_MAX: Final = 200_000
"""Most messages that one look goes through, however many it may."""

SCANNED_BYTES_MAX: Final = 256 << 20
"""It ends when it has searched so many octets of bodies."""

GAVE_UP_MAX: Final = 2_000
"""It ends when the search for a pattern took too long in so many messages."""

LOOK_MS_MAX: Final = 5_000
"""It ends after this time, so that who asked has an answer, and the place where to go on."""

PIECE_MAX: Final = 64
"""Messages that are looked at between two looks at the time."""

PIECE_BYTES_MAX: Final = 256 << 10
"""Or so many octets of bodies."""


class HeldPlace(NamedTuple):
    """A place among unacked messages: a connection, a channel of it, and a delivery tag there."""

    connection: int = 0
    channel: int = 0
    tag: int = 0


class Holder(NamedTuple):
    """Who holds an unacked message.

    Attributes:
        connection_number, channel_number, delivery_tag: on which channel, and under which tag.
        consumer_tag: empty where basic.get took it.
        held_ms: for how long.
    """

    connection_number: int
    channel_number: int
    delivery_tag: int
    consumer_tag: str
    held_ms: int


class Peeked(NamedTuple):
    """A message that was looked at.

    Attributes:
        number: how many messages are before it.
        place: where it is; a look that begins there shows it first.
        redelivered: whether it may have been delivered before.
        delivery_count: how often it came back.
        expires_at_ms: when it expires, in ms since 1970; None is never.
        timestamp_ms: when it was appended to its stream, in ms since 1970; None in a queue.
        payload: its body, up to where it is cut.
        payload_bytes: size of the whole body.
        fingerprint: see ``broker.messages.fingerprint``.
        properties, header_types: see ``broker.messages.shown``.
        holder: None where it is ready.
    """

    number: int
    place: LookPlace | HeldPlace
    redelivered: bool
    delivery_count: int
    expires_at_ms: int | None
    timestamp_ms: int | None
    exchange: str
    routing_key: str
    payload: bytes
    payload_bytes: int
    fingerprint: str
    properties: Mapping[str, object]
    header_types: Mapping[str, str]
    holder: Holder | None


class Look(NamedTuple):
    """What a look found.

    Attributes:
        messages: those that are shown.
        scanned_count: messages that were looked at.
        gave_up_count: those in which the search for the pattern took too long.
        total_count: messages in the queue, as far as they are in the state that was asked for.
        number: how many messages are before ``place``.
        place: where to go on; None if nothing is left.
    """

    messages: tuple[Peeked, ...]
    scanned_count: int
    gave_up_count: int
    total_count: int
    number: int
    place: LookPlace | HeldPlace | None


class Wanted(NamedTuple):
    """What a look shows, and how far it goes.

    Attributes:
        max_count: the most messages to show; ``SHOWN_MAX`` at most.
        matching: only these.
        scan_count: the most to look at; ``SCANNED_MAX`` at most.
        truncate_bytes: where payloads are cut; None is ``SHOWN_BYTES_MAX``.
    """

    max_count: int = 50
    matching: MessageFilter = EVERY_MESSAGE
    scan_count: int = 20_000
    truncate_bytes: int | None = None


class Scan:
    """A look under way.

    Attributes:
        number: how many messages were passed by or looked at.

    Args:
        wanted: what to show.
        number: how many messages are before the place where it begins.
        passed_count: messages that are passed by first.
        wall_offset_ms: turns an instant into ms since 1970, by addition.
    """

    def __init__(self, wanted: Wanted, number: int, passed_count: int, wall_offset_ms: int) -> None:
        self.number = number
        self._wanted = wanted
        self._passed_count = passed_count
        self._wall_offset_ms = wall_offset_ms
        self._count = min(wanted.max_count, SHOWN_MAX)
        self._scan_count = min(wanted.scan_count, SCANNED_MAX)
        self._found: list[Peeked] = []
        self._scanned_count = self._gave_up_count = 0
        self._left_bytes = SHOWN_BYTES_MAX
        self._searched_bytes = 0
        self._piece_count = self._piece_bytes = 0
        self._begun_at_ms: int | None = None
        self._is_late = False

    def note_time(self, now_ms: int) -> None:
        """Note the time before the look begins, and of each turn in which it goes on."""
        if self._begun_at_ms is None:
            self._begun_at_ms = now_ms
        self._is_late = now_ms - self._begun_at_ms >= LOOK_MS_MAX

    def is_done(self) -> bool:
        """Whether enough was shown, or looked at."""
        return (
            self._is_late
            or len(self._found) >= self._count
            or self._scanned_count >= self._scan_count
            or self._left_bytes <= 0
            or self._searched_bytes >= SCANNED_BYTES_MAX
            or self._gave_up_count >= GAVE_UP_MAX
        )

    @property
    def wanted_count(self) -> int:
        """How many of the next messages are looked at, at most."""
        count = self._count - len(self._found)
        if self._wanted.matching.is_set:
            count = self._scan_count - self._scanned_count
        return count + self._passed_count

    def see(
        self, message: LookedMessage, place: LookPlace | HeldPlace, holder: Holder | None = None
    ) -> None:
        """Look at a message, and show it if it is wanted; or pass it by."""
        self._piece_count += 1
        if self._passed_count:
            self._passed_count -= 1
            self.number += 1
            return
        matching, record = self._wanted.matching, message.record
        is_wanted = matching.matches(record)
        self._gave_up_count += is_wanted is None
        if is_wanted:
            self._found.append(self._shown(message, place, holder))
        cost_bytes = matching.cost(record)
        self._searched_bytes += cost_bytes
        self._piece_bytes += cost_bytes
        self._scanned_count += 1
        self.number += 1

    def is_piece_over(self) -> bool:
        """Whether to look at the time; a new piece begins then."""
        is_short = self._piece_count < PIECE_MAX and self._piece_bytes < PIECE_BYTES_MAX
        # A test of a JSONPath takes milliseconds.
        if is_short and self._wanted.matching.path is None:
            return False
        self._piece_count = self._piece_bytes = 0
        return True

    def look(self, total_count: int, place: LookPlace | HeldPlace | None) -> Look:
        """Return what was found.

        Args:
            total_count: messages in the queue.
            place: where to go on; None if nothing is left.
        """
        scanned = (self._scanned_count, self._gave_up_count)
        return Look(tuple(self._found), *scanned, total_count, self.number, place)

    def _shown(
        self, message: LookedMessage, place: LookPlace | HeldPlace, holder: Holder | None
    ) -> Peeked:
        record, expires_at_ms = message.record, message.expires_at_ms
        cut_bytes = self._wanted.truncate_bytes
        left_bytes = self._left_bytes if cut_bytes is None else min(self._left_bytes, cut_bytes)
        payload = bytes(record.body[:left_bytes])
        self._left_bytes -= len(payload)
        return Peeked(
            self.number,
            place,
            message.redelivered,
            message.delivery_count,
            expires_at_ms + self._wall_offset_ms if expires_at_ms else None,
            message.timestamp_ms or None,
            record.exchange,
            record.routing_key,
            payload,
            len(record.body),
            fingerprint(record),
            shown_properties(record.header),
            shown_types(record.header),
            holder,
        )
