"""What a naive model says must be there of a stream after a crash."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from persistence.streams.log import StreamLog
from tests.support.stream_logs import all_messages


class Published(NamedTuple):
    """One message, as the model knows it; LSN 0 is what was safe before this life.

    Attributes:
        octets: of the message.
        lsn: of the append.
        is_fsynced: what was promised of it.
        publisher, publishing_id: its numbers; empty and 0 without.
    """

    octets: bytes
    lsn: int
    is_fsynced: bool
    publisher: bytes = b""
    publishing_id: int = 0


@dataclass(slots=True)
class ExpectedStream:
    """One stream, as the model knows it.

    Attributes:
        declare_lsn: of its definition; 0 if it was there before.
        delete_lsn: of its deletion; None while it has none.
        messages: by offset, dropped ones too.
        stored: (highest LSN when it was stored, reference, offset), in order.
        gaps: offsets that a power cut took, and that are not given again.
        may_be_gone: returns the offsets that a compaction may have removed, by what was found.
    """

    log: StreamLog
    declare_lsn: int = 0
    delete_lsn: int | None = None
    messages: dict[int, Published] = field(default_factory=dict)
    stored: list[tuple[int, bytes, int]] = field(default_factory=list)
    gaps: set[int] = field(default_factory=set)
    may_be_gone: Callable[["ExpectedStream", dict[int, bytes]], set[int]] = lambda *_: set()


def require(is_kept: bool, promise: str) -> None:
    """Raise AssertionError where a promise was broken."""
    assert is_kept, promise


def compare(
    before: ExpectedStream, after: StreamLog, committed: int, on_disk: int
) -> ExpectedStream:
    """Compare a stream that a restart found with what the life before had promised.

    Args:
        before: as the model knows it.
        after: as the restart found it.
        committed: everything up to this LSN was confirmed.
        on_disk: everything up to this LSN cannot be lost.

    Returns:
        The stream of the new life.

    Raises:
        AssertionError: something is lost, changed, out of order or ahead.
    """
    name = f"stream {after.queue_id}"
    found = dict(all_messages(after))
    require(after.readable_offset == after.next_offset, f"{name}: all that is there is readable")
    require(list(found) == sorted(found), f"{name}: offsets are in order")
    for offset, octets in found.items():
        expected = before.messages.get(offset)
        require(expected is not None, f"{name}: offset {offset} was never given")
        assert expected is not None
        require(octets == expected.octets, f"{name}: offset {offset} has another content")
    kept = range(after.first_offset, after.next_offset)
    gone = before.may_be_gone(before, found)
    missing = set(kept) - set(found)
    for offset, expected in before.messages.items():
        safe = committed if expected.is_fsynced else on_disk
        is_safe = expected.lsn <= safe and offset not in gone
        if is_safe and offset >= before.log.first_offset:
            require(offset in found, f"{name}: offset {offset} is lost")
            require(offset >= after.first_offset, f"{name}: offset {offset} was dropped")
    for offset in missing - before.gaps - gone:
        lost = before.messages.get(offset)
        is_explained = lost is not None and not lost.is_fsynced and lost.lsn > on_disk
        require(is_explained, f"{name}: offset {offset} is missing without a reason")
    there = {at: each for at, each in before.messages.items() if at < after.next_offset}
    safe_ones = [
        each
        for each in before.messages.values()
        if each.lsn <= (committed if each.is_fsynced else on_disk)
    ]
    kept_ones = [each for at, each in there.items() if at not in missing]
    for publisher in {each.publisher for each in before.messages.values()} - {b""}:
        publishing_id = after.publishing_id(publisher) or 0
        is_behind = publishing_id < highest(safe_ones, publisher)
        require(not is_behind, f"{name}: {publisher!r} would be told to repeat")
        is_ahead = publishing_id > highest(kept_ones, publisher)
        require(bool(missing) or not is_ahead, f"{name}: {publisher!r} would leave a hole")
    stored = _compare_stored(name, before, after, on_disk)
    now = ExpectedStream(after, gaps=missing, may_be_gone=before.may_be_gone)
    for offset, each in there.items():
        if offset not in missing:
            now.messages[offset] = each._replace(lsn=0)
    now.stored = [(0, reference, offset) for reference, offset in stored]
    return now


def highest(messages: Iterable[Published], publisher: bytes) -> int:
    """Return the highest publishing id of a publisher; 0 is none."""
    ids = [each.publishing_id for each in messages if each.publisher == publisher]
    return max(ids, default=0)


def _compare_stored(
    name: str, before: ExpectedStream, after: StreamLog, on_disk: int
) -> Iterable[tuple[bytes, int]]:
    found: dict[bytes, int] = {}
    for reference in {reference for _, reference, _ in before.stored}:
        history = [(lsn, at) for lsn, each, at in before.stored if each == reference]
        safe = [index for index, (lsn, _) in enumerate(history) if lsn <= on_disk]
        possible = [at for _, at in history[safe[-1] if safe else 0 :]]
        now = after.stored_offset(reference)
        if now is None:
            require(not safe, f"{name}: the offset of {reference!r} is lost")
            continue
        is_end = now == max(after.next_offset - 1, 0)
        require(now in possible or is_end, f"{name}: {reference!r} is at {now}, not {possible}")
        require(now < max(after.next_offset, 1), f"{name}: {reference!r} is behind the end")
        found[reference] = now
    return found.items()
