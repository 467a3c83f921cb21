"""Whatever happens to requests and answers, each change is carried out as often as was said."""

from collections.abc import Generator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from cluster.definitions.lane import Lane
from cluster.metadata.contents import Contents
from cluster.metadata.memory import Fate
from cluster.metadata.port import (
    Absent,
    Delete,
    Done,
    Outcome,
    Put,
    Read,
    Refused,
    Transaction,
    Unknown,
)
from tests.support.inquiries import answer_of, put

LANE = b"/lanes/1"


@dataclass
class Line:
    """A store behind a line that loses requests and answers, and delays requests."""

    fates: list[Fate | None]
    contents: Contents = field(default_factory=Contents)
    late: list[Transaction] = field(default_factory=list)

    def ask(self, transaction: Transaction) -> Outcome:
        fate = self.fates.pop(0) if self.fates else None
        if fate is Fate.LATE:
            self.late.append(transaction)
        if fate in {Fate.LATE, Fate.LOST}:
            return Unknown("lost")
        answer = answer_of(self.contents, transaction)
        assert isinstance(answer, Done | Refused)
        return answer if fate is None else Unknown("no answer")

    def carry_out(self, settling: Generator[Transaction, Outcome, Done | Refused]) -> object:
        asked = next(settling)
        while True:
            try:
                asked = settling.send(self.ask(asked))
            except StopIteration as end:
                return end.value

    def arrive_late(self) -> None:
        """Have the store get what was under way; the newest first."""
        while self.late:
            answer_of(self.contents, self.late.pop())


fates = st.lists(st.one_of(st.none(), st.sampled_from(Fate)), max_size=12)


@given(fates, st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=8))
def test_each_change_happens_once_or_never_as_was_said(
    line_fates: list[Fate | None], changes: list[tuple[int, bool]]
) -> None:
    line, lane = Line(line_fates), Lane(LANE, "life")
    there: set[bytes] = set()
    for number, (slot, arrives) in enumerate(changes):
        key, done_key = b"%d" % slot, b"done %d" % number
        outcome = line.carry_out(
            lane.carrying_out(
                Transaction(
                    (Absent(key),), (Put(key, b"%d" % number), Put(done_key, b"")), (Read(key),)
                )
            )
        )
        if arrives:
            line.arrive_late()
        assert isinstance(outcome, Done) is (key not in there)
        if isinstance(outcome, Refused):
            assert outcome.reads == (line.contents.now(key),)
        assert (line.contents.now(done_key) is not None) is (key not in there)
        there.add(key)
        if slot == 2:  # deleted by another node, so that the same change could happen again
            put(line.contents, b"other")
            answer_of(line.contents, Transaction(then=(Delete(key),)))
            there.discard(key)
        line.arrive_late()
        assert (line.contents.now(key) is not None) is (key in there)


@given(fates)
def test_a_change_that_was_given_up_leaves_the_lane_usable(line_fates: list[Fate | None]) -> None:
    line, lane = Line(line_fates), Lane(LANE, "life")
    for number in range(4):
        settling = lane.carrying_out(Transaction(then=(Put(b"%d" % number, b""),)))
        line.ask(next(settling))
        settling.close()
        line.arrive_late()
    line.fates.clear()
    outcome = line.carry_out(lane.carrying_out(Transaction(then=(Put(b"last", b""),))))
    assert outcome == Done(line.contents.revision)


def test_another_life_of_the_node_goes_on_with_the_lane() -> None:
    line = Line([])
    lane, another = Lane(LANE, "one"), Lane(LANE, "two")
    for each in (another, lane):
        for _ in range(2):
            outcome = line.carry_out(each.carrying_out(Transaction(then=(Put(b"a", b""),))))
            assert outcome == Done(line.contents.revision)
    before = line.contents.revision
    assert line.carry_out(lane.carrying_out(Transaction(then=(Read(b"a"),)))) == Done(
        before, (line.contents.now(b"a"),)
    )
    assert line.contents.revision == before
