"""Which questions go together, and what the outcome says of each: as if they came one by one."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.definitions.inquiry import Question, Range
from cluster.definitions.joining import CHANGES_MAX, READS_MAX, joined
from cluster.metadata.contents import Contents
from cluster.metadata.port import (
    OPERATIONS_MAX,
    Absent,
    Comparison,
    CreateRevision,
    Delete,
    Done,
    Empty,
    ModRevision,
    Operation,
    Put,
    Read,
    Refused,
    Transaction,
)
from tests.support.inquiries import answer_of


def creation(name: str, *needed: CreateRevision) -> Transaction:
    key = name.encode()
    reads = (*(Read(each.key) for each in needed), Read(key))
    return Transaction((Absent(key), *needed), (Put(key, b""),), reads)


def look_up(*names: str) -> Transaction:
    return Transaction(then=tuple(Read(each.encode()) for each in names))


VHOST = CreateRevision(b"vhost", 7)


def test_creations_share_a_transaction_and_what_they_need() -> None:
    a, b = creation("a", VHOST), creation("b", VHOST)
    found = joined([a, look_up("a"), Range(b"a", b"b"), b])
    assert found.numbers == (0, 3)
    assert found.question == Transaction(
        (Absent(b"a"), VHOST, Absent(b"b")),
        (Put(b"a", b""), Put(b"b", b"")),
        (Read(b"a"), Read(b"vhost"), Read(b"b")),
    )
    assert found.answers(Done(9)) == [Done(9), Done(9)]


def test_look_ups_share_a_transaction() -> None:
    found = joined([look_up("v", "a"), creation("c"), look_up("v", "b"), look_up("v", "a")])
    assert (found.numbers, found.question) == ((0, 2, 3), look_up("v", "a", "b"))
    answers = found.answers(Done(9, (None, None, None)))
    assert answers == [Done(9, (None, None))] * 3


def test_who_is_not_to_blame_is_asked_for_again() -> None:
    contents = Contents()
    answer_of(contents, creation("a"))
    found = joined([creation("a"), creation("b")])
    assert isinstance(found.question, Transaction)
    outcome = answer_of(contents, found.question)
    assert isinstance(outcome, Refused)
    blamed, again = found.answers(outcome)
    assert blamed == Refused(contents.revision, (contents.now(b"a"),))
    assert again is None


def test_one_comes_before_the_other_where_both_are_about_a_key() -> None:
    a, on_a = creation("a"), Transaction((CreateRevision(b"a", 1),), (Put(b"b", b""),))
    gone = Transaction((ModRevision(b"a", 1),), (Delete(b"a"),))
    on_b = Transaction((CreateRevision(b"b", 1),), (Put(b"c", b""),))
    assert joined([a, a, on_a, gone]).numbers == (0,)
    assert joined([on_a, gone]).numbers == (0,)
    assert joined([a, on_a, on_b]).numbers == (0,), "the last waits for the second"


def test_a_range_that_is_compared_or_read_is_asked_for_alone() -> None:
    unused = Transaction((Empty(b"b", b"c"),), (Delete(b"a"),))
    span = Range(b"a", b"b")
    lines: list[list[Question]] = [[unused, creation("d")], [span, span]]
    for line in lines:
        found = joined(line)
        assert (found.numbers, found.question) == ((0,), line[0])
        assert found.answers(Done(3)) == [Done(3)]
    assert joined([creation("d"), unused, creation("e")]).numbers == (0, 2)


def test_a_transaction_has_a_bound() -> None:
    many = [creation(f"q{number}", VHOST) for number in range(1_000)]
    assert joined(many).numbers == tuple(range(CHANGES_MAX))
    reads = [look_up("v", f"q{number}") for number in range(1_000)]
    assert joined(reads).numbers == tuple(range(READS_MAX))
    large = [
        Transaction(tuple(Absent(b"%d-%d" % (number, at)) for at in range(60)))
        for number in range(9)
    ]
    found = joined(large)
    assert isinstance(found.question, Transaction)
    assert found.numbers == (0, 1)
    assert len(found.question.compare) < OPERATIONS_MAX, "and the lane"


KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
COMPARISONS: st.SearchStrategy[Comparison] = st.one_of(
    st.builds(Absent, KEYS),
    st.builds(CreateRevision, KEYS, st.integers(0, 4)),
    st.builds(ModRevision, KEYS, st.integers(0, 4)),
)
CHANGES: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Put, KEYS, st.sampled_from([b"1", b"2"])), st.builds(Delete, KEYS)
)


@st.composite
def questions(draw: st.DrawFn) -> Transaction:
    if draw(st.booleans()):
        return Transaction(then=tuple(map(Read, draw(st.lists(KEYS, min_size=1, max_size=3)))))
    compare = draw(st.lists(COMPARISONS, min_size=1, max_size=3))
    then = draw(st.lists(CHANGES, max_size=2, unique_by=lambda each: each.key))
    return Transaction(tuple(compare), tuple(then), tuple({Read(each.key) for each in compare}))


@given(st.lists(questions(), min_size=1, max_size=8), st.lists(CHANGES, max_size=4))
def test_each_is_answered_as_if_it_came_alone(
    line: list[Transaction], first: list[Operation]
) -> None:
    """One after another they find and leave what they find and leave together."""
    together, alone = Contents(), Contents()
    for change in first:
        for contents in (together, alone):
            answer_of(contents, Transaction(then=(change,)))
    found = joined(line)
    assert isinstance(found.question, Transaction)
    outcome = answer_of(together, found.question)
    assert isinstance(outcome, Done | Refused)
    answers = found.answers(outcome)
    taken = [line[number] for number in found.numbers]
    if isinstance(outcome, Refused):
        # Nothing was done, and each that is blamed is refused alone, too.
        for each, answer in zip(taken, answers, strict=True):
            if answer is not None:
                assert answer_of(alone, each) == answer
        assert any(answer is not None for answer in answers)
        return
    for each, answer in zip(taken, answers, strict=True):
        its = answer_of(alone, each)
        assert type(its) is type(answer)
        assert isinstance(its, Done)
        assert [r and r.value for r in its.reads] == [r and r.value for r in answer.reads]
    assert values(together) == values(alone)


def values(contents: Contents) -> list[bytes | None]:
    items = [contents.now(key) for key in (b"a", b"b", b"c", b"d")]
    return [None if each is None else each.value for each in items]
