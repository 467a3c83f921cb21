"""The fuzzer itself: a seed says what is fed, a difference is seen, and what is left is small."""

from tests.fuzz.broken_sessions import SESSIONS, case_of, client_sessions, split
from tests.fuzz.fuzz_scan import answered, is_wrong, outcome_of, reads_of, shortened


def test_a_seed_and_a_number_make_one_case() -> None:
    assert [case_of(7, number) for number in range(9)] == [
        case_of(7, number) for number in range(9)
    ]
    assert case_of(7, 1) != case_of(8, 1)
    assert [case_of(7, number)[0] for number in (8, 9, 11)] == ["session", "stream", "messages"]


def test_recorded_sessions_are_flawless() -> None:
    """Else nothing that comes late in them would ever be reached."""
    assert len(client_sessions()) == 5
    for frames in SESSIONS:
        assert split(b"".join(frames))[0] == frames[0]
    for frames in client_sessions():
        output = b"".join(part for part in answered([b"".join(frames)]) if isinstance(part, bytes))
        assert output.endswith(b"\x00\x0a\x00\x33\xce"), "the last answer is connection.close-ok"


def test_broken_messages_are_read_and_refused() -> None:
    """Else nothing behind the first section would ever be reached."""
    outcomes = [outcome_of(case_of(7, number)) for number in range(3, 800, 8)]
    told = [part for outcome in outcomes for part in outcome if isinstance(part, tuple)]
    refused = [part for outcome in outcomes for part in outcome if part == "malformed"]
    assert len(told) > 50
    assert len(refused) > 50


def test_outcomes_that_differ_are_wrong_and_so_is_an_exception() -> None:
    case = case_of(7, 1)
    assert not is_wrong(outcome_of(case), outcome_of(case))
    assert is_wrong([1], [2])
    assert is_wrong(["raised", "KeyError: 1"], ["raised", "KeyError: 1"])


def test_what_is_left_of_a_case_is_what_makes_it_wrong() -> None:
    frames = [b"\x01\x00\x01\x00\x00\x00\x01%c\xce" % letter for letter in b"abcdefgh"]
    kind, reads = shortened(("stream", frames), lambda case: b"c" in b"".join(case[1]))
    assert (kind, reads) == ("stream", [b"c"])
    _, reads = shortened(("stream", frames), lambda case: any(b"d" in one for one in case[1][1:]))
    assert len(reads) == 2


def test_pieces_come_back_as_the_reads_they_were() -> None:
    assert reads_of([(0, b"a"), (0, b"b"), (3, b"c")]) == [b"ab", b"c"]
