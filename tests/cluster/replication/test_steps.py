"""Every input has its part, and what is of yesterday does nothing."""

from typing import get_args

import pytest

from cluster.replication import inputs, steps
from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import Ack, Fence
from cluster.replication.ready import CompactWrite, Ready
from cluster.replication.state import ReplicaId
from tests.support.replicating import Replicating


def test_every_input_has_its_part() -> None:
    assert set(steps._STEPS) == set(get_args(inputs.Input))


@pytest.mark.parametrize(
    "happened",
    [
        inputs.FrameFromLeader("b", Fence("q", 9)),
        inputs.FrameFromMirror("x", Ack(9)),
        inputs.Attach("x", "q"),
        inputs.MirrorDisconnected("x"),
        inputs.LeaderDisconnected("x"),
        inputs.TransactionDone(99, 1),
        inputs.TransactionRefused(99),
        inputs.TransactionUnknown(99),
        inputs.Shrink("q", ReplicaId("x", "0")),
        inputs.Grow("q", "x"),
        inputs.Touch("q"),
        inputs.Move("q", "x", 1),
        inputs.Shrink("unknown", ReplicaId("b", "0")),
    ],
)
def test_what_is_not_of_now_does_nothing(happened: inputs.Input) -> None:
    nodes = Replicating()
    nodes.serve()
    assert nodes.step("a", happened) == Ready()


def test_only_what_is_committed_is_compacted() -> None:
    nodes = Replicating()
    nodes.serve()
    index = nodes.append("a")
    with pytest.raises(BrokenInvariantError, match="I4 q: compacted"):
        nodes.step("a", inputs.Compact("q", index))
    nodes.settle()
    ready = nodes.step("a", inputs.Compact("q", index))
    assert [type(write) for write in ready.writes] == [CompactWrite]
    assert nodes.step("a", inputs.Compact("q", index)) == Ready()
