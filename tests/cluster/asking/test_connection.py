"""Questions and answers over one connection, in memory; and what breaks it."""

import pytest

from cluster.asking import connection
from cluster.asking.layout import (
    ANSWER,
    ANSWER_BYTES_MAX,
    OPEN_MAX,
    PART,
    PART_BYTES,
    QUESTION,
    QUESTION_BYTES_MAX,
    State,
)
from cluster.links.envelope import seal
from tests.support.asking_pair import AskingPair


def inject(pair: AskingPair, name: str, kind: int, head: bytes) -> str | None:
    """Let an end get an envelope that the other one did not make; return why it ended."""
    end = pair.a if name == "a" else pair.b
    sealed = seal(end._received_count, kind, 0, head)
    end.receive(memoryview(sealed), 0, lambda: False)
    return end.reason


def test_questions_are_answered_in_any_order() -> None:
    pair = AskingPair()
    pair.a.ask(1, "rows", b"first")
    pair.a.ask(2, "looks", b"")
    pair.move()
    assert pair.heard["b"].questions == [(1, "rows", b"first"), (2, "looks", b"")]
    pair.b.answer(2, b"no", is_refusal=True)
    pair.b.answer(1, b"")
    pair.b.answer(1, b"twice")
    pair.b.answer(9, b"nobody asked")
    assert pair.a.open_count == 2
    pair.move()
    assert pair.heard["a"].answers == [(2, b"no", True), (1, b"", False)]
    assert pair.a.open_count == pair.b.open_count == 0


def test_a_short_answer_does_not_wait_for_a_long_one() -> None:
    pair = AskingPair()
    for number in (1, 2):
        pair.a.ask(number, "rows", b"x" * 3 * PART_BYTES)
    pair.move()
    assert [len(octets) for _, _, octets in pair.heard["b"].questions] == [3 * PART_BYTES] * 2
    pair.b.answer(1, bytes(range(256)) * 4096)
    pair.b.answer(2, b"short")
    for _ in range(2):
        pair.step()
    assert pair.heard["a"].answers == [(2, b"short", False)]
    pair.move()
    assert pair.heard["a"].answers[1:] == [(1, bytes(range(256)) * 4096, False)]


def test_what_is_too_long_or_too_much_is_refused_here() -> None:
    pair = AskingPair()
    with pytest.raises(ValueError, match="octets"):
        pair.a.ask(1, "rows", b"x" * QUESTION_BYTES_MAX)
    with pytest.raises(ValueError, match="octets"):
        pair.a.ask(1, "s" * 65, b"")
    for number in range(OPEN_MAX):
        pair.a.ask(number, "rows", b"")
    with pytest.raises(ValueError, match="have no answer"):
        pair.a.ask(OPEN_MAX, "rows", b"")
    pair.move()
    pair.b.answer(0, bytes(ANSWER_BYTES_MAX + 1))
    pair.move()
    [(number, text, is_refusal)] = pair.heard["a"].answers
    assert (number, is_refusal) == (0, True)
    assert text == b"an answer of 16777217 octets"
    pair.a.ask(OPEN_MAX, "rows", b"")
    pair.move()
    assert pair.a.reason is pair.b.reason is None


def part(number: int, state: int, octets: bytes = b"") -> bytes:
    return PART.pack(number, state) + octets


@pytest.mark.parametrize(
    ("kind", "head", "why"),
    [
        (ANSWER, part(1, State.LAST), "in this direction"),
        (QUESTION, b"1234", "too short"),
        (QUESTION, part(1, 9), "in state 9"),
        (QUESTION, part(1, State.LAST), "without a subject"),
        (QUESTION, part(1, State.LAST, b"\x05rows"), "without a subject"),
        (QUESTION, part(1, State.LAST, b"\x02\xff\xff"), "not ASCII"),
    ],
)
def test_a_broken_question_ends_the_link(kind: int, head: bytes, why: str) -> None:
    reason = inject(AskingPair(), "b", kind, head)
    assert reason is not None
    assert why in reason


def test_a_number_that_is_open_or_was_not_asked_ends_the_link() -> None:
    pair = AskingPair()
    pair.a.ask(1, "rows", b"")
    pair.move()
    assert "question 1" in str(inject(pair, "b", QUESTION, part(1, State.LAST, b"\0")))
    pair = AskingPair()
    assert "not open" in str(inject(pair, "a", ANSWER, part(1, State.LAST)))


def test_a_peer_that_asks_or_says_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "COMING_BYTES_MAX", 3_000)
    pair = AskingPair()
    reason = None
    for number in range(OPEN_MAX + 1):
        assert reason is None, "too early"
        reason = inject(pair, "b", QUESTION, part(number, State.MORE))
    assert reason is not None
    pair = AskingPair()
    assert inject(pair, "b", QUESTION, part(1, State.MORE, bytes(2_000))) is None
    assert inject(pair, "b", QUESTION, part(2, State.MORE, bytes(1_001))) is not None


def test_several_of_the_longest_answers_are_no_fault_of_the_other_side() -> None:
    pair = AskingPair()
    for number in range(6):
        pair.a.ask(number, "rows", b"q" * (QUESTION_BYTES_MAX - 5))
    pair.move()
    assert len(pair.heard["b"].questions) == 6
    for number in range(5):
        pair.b.answer(number, bytes(ANSWER_BYTES_MAX))
    pair.b.answer(5, b"short")
    pair.move()
    assert pair.a.reason is pair.b.reason is None
    answers = pair.heard["a"].answers
    assert answers[0] == (5, b"short", False)
    assert {(number, len(octets)) for number, octets, _ in answers[1:]} == {
        (number, ANSWER_BYTES_MAX) for number in range(5)
    }


def test_who_asks_on_and_takes_no_answers_is_cut_off() -> None:
    pair = AskingPair()
    reason = None
    for number in range(OPEN_MAX + 1):
        assert reason is None, "too early"
        reason = inject(pair, "b", QUESTION, part(number, State.LAST, b"\x04rows"))
        pair.b.answer(number, b"nobody reads it")
    assert f"question {OPEN_MAX}, and {OPEN_MAX} are open" in str(reason)


def test_what_is_open_ends_with_the_link() -> None:
    pair = AskingPair()
    pair.a.ask(1, "rows", b"")
    pair.move()
    pair.b.close("it is enough")
    pair.move()
    assert "it is enough" in pair.heard["a"].reasons[0]
    assert pair.a.open_count == pair.b.open_count == 0
    pair.a.ask(2, "rows", b"")
    pair.b.answer(1, b"late")
    assert pair.heard["b"].questions == [(1, "rows", b"")]
