"""Confirms that wait for several commit groups, against a model that looks at each message."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.awaited_confirms import AwaitedConfirms
from amqp_server.protocol.confirms import ConfirmTracker
from queues.commits import SAFE_NOW, later_of, point_at
from tests.support.commits import FakeDisk
from tests.support.peer import decode

GROUPS_COUNT = 3
MANY = 1 << 30


class Step(NamedTuple):
    """What happens next.

    Attributes:
        kind: publish, commit or fail.
        groups: which have a part in what is published; of others the first.
        number: messages that are published, or LSNs that are committed.
    """

    kind: str
    groups: Sequence[int]
    number: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["publish"] * 6 + ["commit"] * 5 + ["fail"]),
        st.lists(st.integers(0, GROUPS_COUNT - 1), min_size=1, max_size=3),
        st.integers(1, 4),
    ),
    max_size=60,
)


class Model:
    """Knows of each message which LSN of which group it waits for."""

    def __init__(self, disks: Sequence[FakeDisk]) -> None:
        self._disks = disks
        self._open: dict[int, dict[int, int]] = {}
        self.answers: dict[int, str] = {}

    def publish(self, tag: int, lsns: dict[int, int]) -> None:
        self._open[tag] = lsns

    def look(self) -> None:
        for tag, lsns in list(self._open.items()):
            left = {
                group: lsn for group, lsn in lsns.items() if lsn > self._disks[group].committed_lsn
            }
            if any([self._disks[group].has_failed for group in left]):
                self.answers[tag] = "Basic.Nack"
            elif not left:
                self.answers[tag] = "Basic.Ack"
            else:
                continue
            del self._open[tag]


class Channel:
    """Confirms of one channel, and what its client has heard."""

    def __init__(self) -> None:
        self.tracker = ConfirmTracker()
        self.outbox = Outbox(MANY, lambda: None)
        self.awaited = AwaitedConfirms(self.tracker, self.outbox, 1)
        self.answers: dict[int, str] = {}
        self.heard_count = 0

    def hear(self) -> None:
        """Read what has come; a message is answered once."""
        octets = b"".join(self.outbox.take()) + self.tracker.render_replies(1)
        for received in decode(octets):
            method = received.method
            assert isinstance(method, commands.Basic.Ack | commands.Basic.Nack)
            self.heard_count += 1
            tag = method.delivery_tag
            tags = range(1, tag + 1) if method.multiple else [tag]
            fresh = [each for each in tags if each not in self.answers]
            assert tag in fresh, "each is answered once"
            self.answers.update(dict.fromkeys(fresh, method.name))


@settings(deadline=None, max_examples=300)
@given(STEPS)
def test_each_message_is_answered_when_its_groups_have_decided(steps: list[Step]) -> None:
    disks = [FakeDisk() for _ in range(GROUPS_COUNT)]
    channel, model = Channel(), Model(disks)
    for kind, groups, number in steps:
        if kind == "publish":
            lsns = {group: disks[group].next_lsn() for group in groups}
            point = SAFE_NOW
            for group, lsn in lsns.items():
                point = later_of(point, point_at(disks[group], lsn))
            first = channel.tracker.publish(number)
            for tag in range(first, first + number):
                model.publish(tag, lsns)
            channel.awaited.confirm(first, first + number - 1, point)
        elif kind == "commit":
            disk = disks[groups[0]]
            if not disk.has_failed:
                disk.commit(min(disk.committed_lsn + number, disk.last_lsn))
        else:
            disks[groups[0]].fail()
        model.look()
        channel.hear()
        assert channel.answers == model.answers
        assert all([len(disk.waiters) <= 1 for disk in disks]), "one call at a time"


@settings(deadline=None, max_examples=200)
@given(STEPS)
def test_with_one_group_acks_come_in_order_and_one_a_commit(steps: list[Step]) -> None:
    disk, channel = FakeDisk(), Channel()
    for kind, _, number in steps:
        before = channel.heard_count
        if kind == "publish":
            first = channel.tracker.publish(number)
            channel.awaited.confirm(first, first + number - 1, point_at(disk, disk.next_lsn()))
        else:
            disk.commit(min(disk.committed_lsn + number, disk.last_lsn))
        channel.hear()
        assert channel.heard_count <= before + 1
        assert list(channel.answers) == list(range(1, len(channel.answers) + 1))
