"""Declares that are under way at once do not pass the limit of a vhost, or of the node."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.queue_places import QueuePlaces
from amqp_server.broker.errors import PreconditionFailedError, UndecidedError
from amqp_server.broker.limits import MAX_QUEUES, VhostLimits
from amqp_server.broker.steps import WaitingSteps
from tests.support.clustered_nodes import cluster_of, until
from tests.support.frames import method_frame


class Names(set[str]):
    def find(self, name: str) -> str | None:
        return name if name in self else None


@dataclass
class FakeVhost:
    name: str
    limits: VhostLimits
    queues: Names = field(default_factory=Names)


@dataclass
class FakeRoom:
    """The node, with a limit of its own; 0 is none."""

    vhosts: list[FakeVhost]
    queues_max: int = 0

    @property
    def settings(self) -> "FakeRoom":
        return self

    def count_queues(self) -> int:
        return sum(len(each.queues) for each in self.vhosts)


LONG_S = 15


class Rig:
    """Declares as steps; the test decides each."""

    def __init__(self, vhost_max: int = -1, node_max: int = 0) -> None:
        self.now_s = 0
        self.places = QueuePlaces(self._patience)
        limits = VhostLimits({MAX_QUEUES: vhost_max} if vhost_max >= 0 else {})
        self.vhost, self.other = FakeVhost("v", limits), FakeVhost("w", VhostLimits())
        self.room = FakeRoom([self.vhost, self.other], node_max)
        self.decided: dict[str, Awaited[bool]] = {}
        self.steps: dict[str, WaitingSteps[None]] = {}
        self.refused: list[str] = []
        self.undecided: list[str] = []

    def _patience(self) -> Callable[[], bool]:
        until_s = self.now_s + LONG_S
        return lambda: self.now_s >= until_s

    def _declaring(self, vhost: FakeVhost, name: str) -> WaitingSteps[None]:
        self.decided[name] = decided = Awaited[bool]()
        if (yield from decided.value()):
            vhost.queues.add(name)

    def fail(self, name: str) -> None:
        self.decided[name].fail(UndecidedError("the store is away"))
        self.go_on()

    def begin(self, *names: str, vhost: FakeVhost | None = None) -> None:
        for name in names:
            where = vhost or self.vhost
            declaring = self._declaring(where, name)
            self.steps[name] = self.places.placing(self.room, where, name, declaring)
        self.go_on()

    def go_on(self) -> None:
        """Carry on each as long as one of them goes on."""
        before: Any = None
        while before != (before := (list(self.steps), list(self.decided), list(self.refused))):
            for name, steps in list(self.steps.items()):
                try:
                    next(steps)
                except StopIteration:
                    del self.steps[name]
                except PreconditionFailedError:
                    del self.steps[name]
                    self.refused.append(name)
                except UndecidedError:
                    del self.steps[name]
                    self.undecided.append(name)

    def decide(self, name: str, *, is_made: bool = True) -> None:
        self.decided[name].set(is_made)
        self.go_on()

    def is_over(self) -> bool:
        places = self.places
        return not (self.steps or places._open or places._of_vhost or places._waiting)


@pytest.mark.parametrize("limits", [{"vhost_max": 3}, {"node_max": 3}])
def test_as_many_are_made_as_the_limit_says(limits: dict[str, int]) -> None:
    rig = Rig(**limits)
    names = [f"q{number}" for number in range(9)]
    rig.begin(*names)
    assert list(rig.decided) == names[:3], "the others wait"
    for name in names[:3]:
        assert not rig.refused
        rig.decide(name)
    assert (rig.refused, rig.vhost.queues) == (names[3:], set(names[:3]))
    assert rig.is_over()


def test_one_that_fails_makes_room_for_the_next() -> None:
    rig = Rig(vhost_max=2)
    rig.begin("a", "b", "c", "d")
    rig.decide("a", is_made=False)
    assert list(rig.decided) == ["a", "b", "c"]
    rig.decide("c")
    rig.decide("b")
    assert (rig.refused, rig.vhost.queues) == (["d"], {"b", "c"})
    assert rig.is_over()


def test_a_name_counts_once_and_one_that_is_there_needs_no_room() -> None:
    rig = Rig(vhost_max=1)
    rig.begin("a")
    first = rig.steps.pop("a")
    rig.begin("a")
    assert list(rig.decided) == ["a"]
    first.close()
    rig.decide("a")
    rig.begin("a")
    rig.decide("a")
    assert (rig.refused, rig.vhost.queues) == ([], {"a"})
    assert rig.is_over()


def test_the_limit_of_a_vhost_is_no_matter_of_another() -> None:
    rig = Rig(vhost_max=1)
    rig.begin("x", "y", vhost=rig.other)
    rig.begin("a", "b")
    assert list(rig.decided) == ["x", "y", "a"]


def test_who_leaves_while_its_turn_comes_hands_it_on() -> None:
    rig = Rig(vhost_max=1)
    rig.begin("a", "b", "c")
    rig.places._waiting[0].set(None)
    rig.places._waiting.popleft()
    rig.steps.pop("b").close()
    rig.decide("a")
    assert rig.refused == ["c"]
    assert rig.is_over()


def test_who_has_waited_long_for_others_does_not_ask_a_store_that_is_away() -> None:
    rig = Rig(vhost_max=1)
    rig.begin(*"abcdefgh")
    rig.now_s += LONG_S
    rig.begin("late")
    rig.fail("a")
    assert rig.undecided == [*"abcdefgh"], "they do not wait for one another"
    assert list(rig.decided) == ["a", "late"], "one that came later asks itself"
    rig.decide("late")
    assert (rig.refused, rig.vhost.queues) == ([], {"late"})
    assert rig.is_over()


def test_who_waits_for_two_in_a_row_has_one_patience() -> None:
    rig = Rig(vhost_max=1)
    rig.begin("a", "b", "c")
    rig.now_s += LONG_S - 1
    rig.fail("a")
    assert list(rig.decided) == ["a", "b"]
    rig.now_s += LONG_S
    rig.fail("b")
    assert rig.undecided == ["a", "b", "c"]
    assert rig.is_over()


def test_a_full_vhost_is_said_to_who_has_waited_long() -> None:
    rig = Rig(vhost_max=1)
    rig.begin("a", "b", "c")
    rig.now_s += LONG_S
    rig.decide("a")
    assert (rig.refused, rig.undecided) == (["b", "c"], [])
    assert rig.is_over()


def test_thirty_two_channels_do_not_pass_the_limit() -> None:
    async def case() -> None:
        async with cluster_of(1) as cluster:
            one = cluster.open(0)
            for number in range(2, 41):
                one.client.open_channel(number)
            await one.ask(commands.Queue.Declare, queue="first", durable=True)
            one.node.vhost.set_limits({"max-queues": 11})
            one.client.send_bytes(
                b"".join(
                    method_frame(n, commands.Queue.Declare, queue=f"q{n}", durable=True)
                    for n in range(1, 41)
                )
            )
            answers = await one.methods(40)
            declared = [each for each in answers if isinstance(each, commands.Queue.DeclareOk)]
            assert len(declared) == 10
            await until(lambda: len(one.node.vhost.queues) == 11)

    asyncio.run(case())
