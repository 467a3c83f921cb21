"""Who waits for the disk asks for a turn, behind which the disk is told."""

from collections.abc import Callable
from typing import cast

from amqp_server.clustering.waking_commit import WakingCommit
from cluster.mirrored.fsyncs import NodeCommit


class Commit:
    committed_lsn, writing_bytes = 7, 512

    def __init__(self, said: list[object]) -> None:
        self._said = said

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        self._said.append(lsn)
        call()


def test_a_turn_is_asked_for_behind_what_waits() -> None:
    said: list[object] = []
    waking = WakingCommit(cast("NodeCommit", Commit(said)), lambda: said.append("woken"))
    assert (waking.committed_lsn, waking.writing_bytes) == (7, 512)
    waking.wait(9, lambda: said.append("safe"))
    assert said == [9, "safe", "woken"]
