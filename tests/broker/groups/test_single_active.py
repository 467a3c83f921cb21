"""Groups of which one reads: whatever happens, at most one is told to."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from amqp_server.broker.groups.single_active import PLAIN, GroupKey, Groups

KEY = GroupKey("/", "s", "app")


class Member:
    """A member that remembers what it was told, and answers when the test says."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.unanswered = 0
        self.reads = False

    def tell(self, *, is_active: bool) -> None:
        self.told.append(is_active)
        self.unanswered += 1
        if not is_active:
            self.reads = False


class SingleActive(RuleBasedStateMachine):
    """Members that come, go and answer in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.groups = Groups()
        self.members: list[Member] = []
        self.partition_index = PLAIN

    @precondition(lambda self: not self.members)
    @rule(index=st.integers(-1, 3))
    def be_partition(self, index: int) -> None:
        self.partition_index = index

    @precondition(lambda self: len(self.members) < 5)
    @rule()
    def join(self) -> None:
        member = Member()
        self.members.append(member)
        self.groups.join(KEY, member, self.partition_index)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.members))
        self.members.remove(member)
        self.groups.leave(KEY, member)
        self.groups.leave(KEY, member)

    @precondition(lambda self: any(member.unanswered for member in self.members))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        waiting = [member for member in self.members if member.unanswered]
        member = data.draw(st.sampled_from(waiting))
        member.unanswered -= 1
        is_active = member.told[len(member.told) - 1 - member.unanswered]
        if not is_active:
            self.groups.answered(KEY, member)
        elif self.groups.is_active(KEY, member):
            member.reads = True

    @invariant()
    def at_most_one_reads(self) -> None:
        assert sum(member.reads for member in self.members) <= 1

    @invariant()
    def the_one_that_is_due_is_told_once_all_have_answered(self) -> None:
        if self.members and not any(member.unanswered for member in self.members):
            index = max(self.partition_index, 0) % len(self.members)
            assert self.groups.is_active(KEY, self.members[index])


TestSingleActive = SingleActive.TestCase


def test_a_group_that_all_have_left_is_no_more() -> None:
    groups, member = Groups(), Member()
    groups.join(KEY, member, PLAIN)
    assert member.told == [True]
    groups.leave(KEY, member)
    assert not groups.is_active(KEY, member)
    groups.answered(KEY, member)
    other = Member()
    groups.join(KEY, other, 1)
    assert other.told == [True]
