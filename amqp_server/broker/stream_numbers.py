"""Numbers of a stream that a client may ask of any node: its leader has them.

stored_offset    how far a consumer with a reference has come
publishing_id    the highest publishing id of a publisher with a reference
chunks           first offsets of the first and of the last chunk
begin            where a reader begins, whose reference is its offset specification
"""

from typing import Final, TypeAlias

from queues.commits import SAFE_NOW, CommitPoint, point_at
from queues.offset_spec import OffsetKind, OffsetSpec
from queues.stream_beginning import first_offset_of
from queues.stream_log import StreamLog

STORED_OFFSET: Final = "stored_offset"
PUBLISHING_ID: Final = "publishing_id"
CHUNKS: Final = "chunks"
BEGIN: Final = "begin"

Numbers: TypeAlias = tuple[int | None, ...]
"""One number, or two of ``chunks``; None is that there is none."""


def numbers_of(log: StreamLog, what: str, reference: bytes = b"") -> Numbers:
    """Return what a stream has of these.

    Args:
        log: of the stream, on its leader.
        what: one of the words above.
        reference: of a consumer or publisher, or that of ``begin``; empty for ``chunks``.

    Raises:
        ValueError: there is no such word.
    """
    if what == STORED_OFFSET:
        return (log.stored_offset(reference),)
    if what == PUBLISHING_ID:
        return (log.publishing_id(reference),)
    if what == BEGIN:
        return (first_offset_of(spec_of(reference), log, 0),)
    if what != CHUNKS:
        raise ValueError(f"expected a number of a stream, got {what!r:.40}")
    last = log.last_chunk_offset()
    return (log.first_offset if last is not None else None, last)


def reference_of(spec: OffsetSpec) -> bytes:
    """Return an offset specification as the reference of ``begin``; an age is a time by then."""
    assert spec.kind is not OffsetKind.AGE, "its time is settled"
    return f"{spec.kind.name} {spec.value}".encode()


def spec_of(reference: bytes) -> OffsetSpec:
    """Return the offset specification of a reference of ``begin``.

    Raises:
        ValueError: it is none.
    """
    kind, _, value = reference.decode("ascii").partition(" ")
    if kind not in OffsetKind.__members__ or kind == OffsetKind.AGE.name:
        raise ValueError(f"expected an offset specification, got {reference!r:.40}")
    return OffsetSpec(OffsetKind[kind], int(value))


def tellable_at(log: StreamLog, what: str) -> CommitPoint:
    """Return when a number that was read now may be told.

    A publisher goes on behind the publishing id that it is told. What is below it, and was not
    safe, would be in no log after a crash, and nobody would publish it again.
    """
    return point_at(log.commit_group, log.appended_lsn) if what == PUBLISHING_ID else SAFE_NOW
