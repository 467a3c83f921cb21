"""Judges what the clients of streams saw: an offset keeps its message, and what is confirmed stays.

    confirmed    publishes whose confirm arrived
    read         messages that were published, and read at least once
    lost         confirmed, and not there when all was read at the end               invalid
    changed      offsets at which two readings found two messages                    invalid
    vanished     offsets that somebody had read, and that were not there at the end  invalid
    gaps         first offsets of holes, at which nobody ever found anything         invalid
    skipped      offsets that a reader jumped over, and that others found            invalid
    backwards    offsets that a reader got behind higher ones                        invalid
    disordered   for the first time, behind a later message of their publisher       invalid
    doubled      at more offsets than they were published times                      invalid
    unexpected   read without having been published                                  invalid
    resent       at several offsets, because their publisher got no answer           counted
    recovered    read, though their confirm never came                               counted
    refused      nacked, and read all the same                                       counted

At the end of a history the stream is read whole, through each node (DRAIN rows, with an END row at
the message that was published last). What such a reading lacks is gone. All readers begin at offset
0 and go on where they were, so that each sees every offset once. A stream here has no retention.

A stream outlives a history. What is known of it is handed on, so that an offset that changes much
later is found; and what one history was convicted of is not told again by the next.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final, NamedTuple

from load_generator.verifying.history import Action, Kind, Row, Value

SHOWN_MAX: Final = 5
"""Values of each kind that a text names."""
STREAM_INVALID: Final = (
    "lost",
    "changed",
    "vanished",
    "gaps",
    "skipped",
    "backwards",
    "disordered",
    "doubled",
    "unexpected",
)


class Place(NamedTuple):
    """An offset of a stream."""

    stream: str
    offset: int


class StreamPast(NamedTuple):
    """What is known of streams once some histories have ended.

    Attributes:
        begun: how often each message was published.
        confirmed: those that must be there.
        places: what was at each offset.
        last: the offset that each reader had come to, by its number.
    """

    begun: Mapping[Value, int]
    confirmed: frozenset[Value]
    places: Mapping[Place, Value]
    last: Mapping[int, int]


NEW_STREAMS: Final = StreamPast({}, frozenset(), {}, {})


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """The result; each field in ascending order of places or values. See the module."""

    confirmed: tuple[Value, ...] = ()
    read: tuple[Value, ...] = ()
    lost: tuple[Value, ...] = ()
    changed: tuple[Place, ...] = ()
    vanished: tuple[Place, ...] = ()
    gaps: tuple[Place, ...] = ()
    skipped: tuple[Place, ...] = ()
    backwards: tuple[Place, ...] = ()
    disordered: tuple[Value, ...] = ()
    doubled: tuple[Value, ...] = ()
    unexpected: tuple[Value, ...] = ()
    resent: tuple[Value, ...] = ()
    recovered: tuple[Value, ...] = ()
    refused: tuple[Value, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(getattr(self, name) for name in STREAM_INVALID)

    def text(self) -> str:
        """Return a line for each field: its count, and the first values where it is wrong."""
        lines = []
        for field in fields(self):
            found: tuple[Place | Value, ...] = getattr(self, field.name)
            line = f"{field.name:<12} {len(found):>9}"
            if field.name in STREAM_INVALID and found:
                line += "  " + " ".join(":".join(map(str, one)) for one in found[:SHOWN_MAX])
            lines.append(line)
        return "\n".join([*lines, "valid" if self.is_valid else "INVALID"])


def check_streams(
    history: Iterable[Row], past: StreamPast = NEW_STREAMS
) -> tuple[StreamVerdict, StreamPast]:
    """Judge a history.

    Args:
        history: rows about streams, in the order in which they were noted.
        past: what is known from earlier histories.

    Returns:
        The verdict, and what is known from now on.
    """
    seen = _Seen(past)
    for row in history:
        seen.note(row)
    ends = _Ends(seen)
    arrived = {value for values in seen.places.values() for value in values}
    changed = {place for place, values in seen.places.items() if len(values) > 1}
    verdict = StreamVerdict(
        confirmed=tuple(sorted(seen.confirmed & seen.fresh)),
        read=tuple(sorted(arrived & seen.fresh)),
        lost=tuple(sorted(ends.lost)),
        changed=tuple(sorted(changed)),
        vanished=tuple(sorted(ends.vanished)),
        gaps=tuple(sorted(ends.gaps)),
        skipped=tuple(sorted(seen.skipped())),
        backwards=tuple(sorted(seen.backwards)),
        disordered=tuple(sorted(ends.disordered)),
        doubled=tuple(sorted(ends.doubled)),
        unexpected=tuple(sorted(arrived - set(seen.begun))),
        resent=tuple(sorted(ends.resent)),
        recovered=tuple(sorted((arrived & seen.fresh) - seen.confirmed - seen.refused)),
        refused=tuple(sorted(arrived & seen.refused)),
    )
    return verdict, ends.known(arrived)


class _Whole(NamedTuple):
    """A reading of a whole stream: what it found by offset, and where its end was."""

    stream: str
    found: Mapping[int, Value]
    last: Value
    end: int


class _Seen:
    """What a history says, row by row."""

    def __init__(self, past: StreamPast) -> None:
        self.past = past
        self.begun: Counter[Value] = Counter(past.begun)
        self.fresh: set[Value] = set()
        self.confirmed: set[Value] = set(past.confirmed)
        self.refused: set[Value] = set()
        self.places: dict[Place, set[Value]] = {one: {value} for one, value in past.places.items()}
        self.highest: dict[str, int] = {}
        for place in past.places:
            self.highest[place.stream] = max(place.offset, self.highest.get(place.stream, -1))
        self.known_to = dict(self.highest)
        self.highest_before: dict[Value, int] = {}
        self.backwards: set[Place] = set()
        self.wholes: list[_Whole] = []
        self.last: dict[int, int] = dict(past.last)
        self._jumped: list[tuple[str, range]] = []
        self._found: dict[int, dict[int, Value]] = defaultdict(dict)  # of DRAIN, by reader

    def note(self, row: Row) -> None:
        if row.value is None:
            return
        if row.action is Action.ENQUEUE:
            self._published(row.kind, row.value)
        elif row.offset is None:
            return
        elif row.action is Action.END:
            found = self._found[row.client]
            self.wholes.append(_Whole(row.value.queue, found, row.value, row.offset))
        else:
            self._arrived(row, row.value, row.offset)

    def _published(self, kind: Kind, value: Value) -> None:
        if kind is Kind.INVOKE:
            if value not in self.begun:
                self.fresh.add(value)
                self.highest_before[value] = self.highest.get(value.queue, -1)
            self.begun[value] += 1
        elif kind is Kind.OK:
            self.confirmed.add(value)
        elif kind is Kind.FAIL:
            self.refused.add(value)

    def _arrived(self, row: Row, value: Value, offset: int) -> None:
        stream = value.queue
        self.places.setdefault(Place(stream, offset), set()).add(value)
        self.highest[stream] = max(offset, self.highest.get(stream, -1))
        before = self.last.get(row.client, -1)
        if offset <= before:
            self.backwards.add(Place(stream, offset))
        elif offset > before + 1 and row.action is Action.DELIVER:
            self._jumped.append((stream, range(before + 1, offset)))
        self.last[row.client] = max(offset, before)
        if row.action is Action.DRAIN:
            self._found[row.client][offset] = value

    def goes_on(self) -> dict[int, int]:
        """Return where readers are that may be heard of again: those of whole streams are done."""
        return {client: at for client, at in self.last.items() if client not in self._found}

    def skipped(self) -> set[Place]:
        """Return the places that readers jumped over; a stretch may be far longer than those."""
        return {
            place
            for stream, stretch in self._jumped
            for place in _places_in(stream, stretch, self.places)
        }


def _places_in(stream: str, stretch: range, places: Mapping[Place, object]) -> list[Place]:
    if len(stretch) > len(places):
        return [one for one in places if one.stream == stream and one.offset in stretch]
    return [place for offset in stretch if (place := Place(stream, offset)) in places]


class _Ends:
    """What is there at the end, by the readings of whole streams."""

    def __init__(self, seen: _Seen) -> None:
        self.lost: set[Value] = set()
        self.vanished: set[Place] = set()
        self.gaps: set[Place] = set()
        self.disordered: set[Value] = set()
        self.doubled: set[Value] = set()
        self.resent: set[Value] = set()
        self._seen = seen
        for whole in seen.wholes:
            self._compare(whole)
            self._count(whole)
            self._order(whole)

    def _compare(self, whole: _Whole) -> None:
        """Find what should be there and is not."""
        seen, stream = self._seen, whole.stream
        there = set(whole.found.values())
        self.lost |= {one for one in seen.confirmed if one.queue == stream and one not in there}
        # What was read before the last message was published is in front of it.
        read_to = max(whole.end, seen.highest_before.get(whole.last, -1))
        known = {place.offset for place in seen.places if place.stream == stream}
        missing = (at for at in known - whole.found.keys() if at <= read_to)
        self.vanished |= {Place(stream, offset) for offset in missing}
        for before, offset in pairwise([-1, *sorted(known)]):
            if before >= seen.known_to.get(stream, -1) and before + 1 < offset <= whole.end:
                self.gaps.add(Place(stream, before + 1))

    def _count(self, whole: _Whole) -> None:
        begun = self._seen.begun
        for value, count in Counter(whole.found.values()).items():
            if count > begun[value] > 0:
                self.doubled.add(value)
            elif count > 1 and value in self._seen.fresh:
                self.resent.add(value)

    def _order(self, whole: _Whole) -> None:
        last: dict[int, int] = {}
        there: set[Value] = set()
        for offset in sorted(whole.found):
            value = whole.found[offset]
            if value in there or value not in self._seen.fresh or value in self._seen.refused:
                continue
            there.add(value)
            if value.counter < last.get(value.publisher, 0):
                self.disordered.add(value)
            last[value.publisher] = max(value.counter, last.get(value.publisher, 0))

    def known(self, arrived: Iterable[Value]) -> StreamPast:
        """Return what is known from now on, so that nothing is told twice."""
        seen = self._seen
        places = {place: min(values) for place, values in seen.places.items()}
        begun = Counter(seen.begun)
        for value in arrived:
            begun[value] = max(1, begun[value])
        for whole in seen.wholes:
            for value, count in Counter(whole.found.values()).items():
                begun[value] = max(count, begun[value])
            places |= {Place(whole.stream, at): value for at, value in whole.found.items()}
        for place in self.vanished:
            del places[place]
        confirmed = frozenset(seen.confirmed - self.lost)
        return StreamPast(begun, confirmed, places, seen.goes_on())
