"""Delivery tags against a dictionary of what is outstanding."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from amqp_server.protocol.errors import UnknownDeliveryTagError
from amqp_server.protocol.unacked import Unacked
from queues.batch import Batch
from tests.support.records import run_of

OWNERS = st.sampled_from(["ann", "bob"])
TAGS = st.integers(0, 60)


class UnackedMachine(RuleBasedStateMachine):
    """Every step settles the same messages of the same owners, or fails at the same tag."""

    def __init__(self) -> None:
        super().__init__()
        self.unacked: Unacked[str] = Unacked()
        self.outstanding: dict[int, tuple[str, bytes]] = {}
        self.next_tag = 1
        self.position = 0

    @rule(owner=OWNERS, count=st.integers(1, 9), step=st.integers(1, 3))
    def deliver(self, owner: str, count: int, step: int) -> None:
        bodies = [str(self.next_tag + index).encode() for index in range(count)]
        positions = range(self.position, self.position + count * step, step)
        self.position += count * step
        assert self.unacked.add(owner, Batch(positions, run_of(*bodies)), 0) == self.next_tag
        for body in bodies:
            self.outstanding[self.next_tag] = (owner, body)
            self.next_tag += 1

    @rule(count=st.integers(1, 3))
    def skip(self, count: int) -> None:
        assert self.unacked.skip(count) == self.next_tag
        self.next_tag += count

    @rule(first=TAGS, count=st.integers(1, 12))
    def settle_each(self, first: int, count: int) -> None:
        tags = range(first, first + count)
        unknown = next((tag for tag in tags if tag not in self.outstanding), None)
        expected = [tag for tag in tags if unknown is None or tag < unknown]
        found: list[tuple[str, bytes]] = []
        failed_at = None
        try:
            for part in self.unacked.settle_each(first, first + count - 1):
                assert part.batch.positions[0] >= 0
                found += [(part.owner, record.body) for record in part.batch.records]
        except UnknownDeliveryTagError as error:
            failed_at = str(error)
        assert found == [self.outstanding.pop(tag) for tag in expected]
        assert failed_at == (None if unknown is None else f"unknown delivery tag {unknown}")

    @rule(last=TAGS)
    def settle_up_to(self, last: int) -> None:
        known = last == 0 or last in self.outstanding
        expected = [tag for tag in self.outstanding if last in {0, tag} or tag < last]
        try:
            parts = list(self.unacked.settle_up_to(last))
        except UnknownDeliveryTagError:
            assert not known
            return
        assert known
        found = [(part.owner, record.body) for part in parts for record in part.batch.records]
        assert found == [self.outstanding.pop(tag) for tag in expected]

    @rule()
    def take_all(self) -> None:
        parts = list(self.unacked.take_all())
        found = [(part.owner, record.body) for part in parts for record in part.batch.records]
        assert found == list(self.outstanding.values())
        self.outstanding.clear()

    @rule(first=TAGS, last=TAGS)
    def list_outstanding(self, first: int, last: int) -> None:
        found = list(self.unacked.outstanding(first, last))
        assert found == [tag for tag in self.outstanding if first <= tag <= last]

    @rule(tag=TAGS)
    def ask(self, tag: int) -> None:
        assert self.unacked.is_outstanding(tag) == (tag in self.outstanding)

    @invariant()
    def counts_what_is_out(self) -> None:
        assert self.unacked.count == len(self.outstanding)
        assert self.unacked.next_tag == self.next_tag
        self.unacked.check_invariants()


TestUnacked = UnackedMachine.TestCase
