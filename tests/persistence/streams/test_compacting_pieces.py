"""How much one piece of a compaction does: no chunk is so long or so large that it is one piece."""

import pytest

from persistence.streams import compacting, cutting
from persistence.streams.compacted_writer import CompactedWriter
from persistence.streams.compaction import PIECE_LENGTH
from tests.support.compacted_places import NOW_MS, fill, place_of, write
from tests.support.stream_logs import DiskPlace, all_messages, appended


def work_of_pieces(place: DiskPlace, done: list[str]) -> list[list[str]]:
    """Compact; return what each piece did."""
    pieces = []
    is_done = False
    while not is_done:
        done.clear()
        is_done = place.log.compact(NOW_MS)
        pieces.append(list(done))
    return pieces


def noting(monkeypatch: pytest.MonkeyPatch, done: list[str], where: object, name: str) -> None:
    carry_out = getattr(where, name)

    def noted(*given: object, **named: object) -> object:
        done.append(name)
        return carry_out(*given, **named)

    monkeypatch.setattr(where, name, noted)


def test_a_chunk_that_falls_into_many_is_drawn_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    noting(monkeypatch, done, cutting, "draw_chunk")
    place = place_of(keys_max=10_000, segment_bytes_max=100_000)
    messages = [b"%d=old" % number for number in range(1_000)]
    for part in (messages, messages[::2]):
        place.log.append(appended(*part), NOW_MS)
        place.commit()
    fill(place, 5_000)
    drawn = [len(piece) for piece in work_of_pieces(place, done)]
    assert sum(drawn) >= 500
    assert max(drawn) <= PIECE_LENGTH // compacting.DRAWN_LENGTH
    assert len(all_messages(place.log)) == place.log.message_count


def test_a_large_chunk_is_read_checked_and_written_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    for where, name in (
        (compacting, "check_chunk"),
        (cutting, "draw_chunk"),
        (CompactedWriter, "_write"),
    ):
        noting(monkeypatch, done, where, name)
    place = place_of(segment_bytes_max=3_000_000)
    large = bytes(1_000_000)
    write(place, *[b"%d=" % (number % 2) + large for number in range(8)])
    fill(place)
    pieces = work_of_pieces(place, done)
    assert sum(map(len, pieces)) > 10
    assert max(map(len, pieces)) == 1
    assert place.log.message_count < 28
