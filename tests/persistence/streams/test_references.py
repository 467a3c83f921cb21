"""Numbers by reference: bounded, and the oldest goes first."""

from persistence.streams.references import References


def test_the_number_that_was_noted_last_counts() -> None:
    references = References()
    references.note_all([(b"a", 3), (b"b", 4), (b"a", 2)])
    assert (references.get(b"a"), references.get(b"b"), references.get(b"c")) == (2, 4, None)
    assert len(references) == 2


def test_the_highest_number_is_kept() -> None:
    references = References()
    for number in (5, 3, 9):
        references.note_highest(b"a", number)
    assert references.get(b"a") == 9


def test_the_reference_that_was_noted_longest_ago_goes() -> None:
    references = References(2)
    references.note_all([(b"a", 1), (b"b", 2), (b"a", 3), (b"c", 4)])
    assert list(references) == [(b"a", 3), (b"c", 4)]
