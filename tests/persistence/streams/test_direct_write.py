"""A write of chunks straight to a segment: in one piece, or as it was planned."""

from persistence.direct_memory import (
    ALL_BYTES_MAX,
    MEMORY_BYTES_MAX,
    PAGE_BYTES,
    gather,
    used_bytes,
)
from persistence.streams.direct_write import DirectWrite
from persistence.streams.gathering import Gathering
from tests.support.stream_logs import TINY, DiskPlace, appended

PIECE = bytes(MEMORY_BYTES_MAX - PAGE_BYTES)


def planned(place: DiskPlace, first_offset: int = 0) -> tuple[DirectWrite, bytes]:
    """Return the write of a chunk, and its octets."""
    gathering = Gathering(first_offset, 1_000)
    gathering.add(appended(b"message"))
    chunks = gathering.draw(16, 0)
    segments = place.stream.kept.segments
    octets = b"".join([part for chunk in chunks for part in chunk.parts])
    return DirectWrite(*segments.plan(chunks), [chunk.header for chunk in chunks]), octets


def test_gathered_octets_are_those_of_the_chunks_without_the_header_of_the_file() -> None:
    place = DiskPlace(TINY)
    for first_offset in (0, 1):
        write, octets = planned(place, first_offset)
        before = b"".join(write.write.parts)
        write.gather(len(octets))
        assert bytes(write.gathered or b"") == octets
        [part] = write.write.parts
        assert bytes(part) == before
        assert (write.write.position == 0) == (len(part) > len(octets)) == (first_offset == 0)
        write.carried_out(is_fsynced=True)


def test_without_memory_a_write_stays_as_it_was_planned() -> None:
    size_bytes, held = len(PIECE), []
    while size_bytes:
        while (view := gather([PIECE[:size_bytes]], 0)) is not None:
            held.append(view)
        size_bytes //= 2
    assert used_bytes() == ALL_BYTES_MAX
    write, octets = planned(DiskPlace(TINY))
    before = write.write
    write.gather(len(octets))
    assert write.gathered is None
    assert write.write is before
