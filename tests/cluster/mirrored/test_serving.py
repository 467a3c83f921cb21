"""Queues that a node begins to lead: in turn, and again where they could not be read."""

import errno
from typing import cast

from cluster.mirrored.damages import Damages
from cluster.mirrored.serving import AGAIN_MS, Serving
from persistence.queue_recovery import RecoveredQueue
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import QUEUE, Machine


class Rig:
    """The serving of a node that leads, apart from its shell."""

    def __init__(self) -> None:
        cluster = Cluster(3)
        cluster.heal()
        self.machine: Machine = cluster.machines[cluster.states[QUEUE][0].leader]
        self.core = self.machine.up.core
        self.served: list[str] = []
        self.damages = Damages(self.core)
        replicas = self.machine.up.replicas()
        self.serving = Serving(self.core, replicas, self.damages, self.serve)

    def serve(self, queue: str, _lead: object, _found: RecoveredQueue) -> None:
        self.served.append(queue)

    def go_on(self) -> None:
        while self.serving.go_on():
            self.machine.up.carry_out()


def test_a_queue_is_handed_over_once() -> None:
    rig = Rig()
    rig.serving.begin(QUEUE)
    rig.go_on()
    assert rig.served == [QUEUE]


def test_a_queue_that_is_not_led_any_more_is_forgotten() -> None:
    rig = Rig()
    rig.serving.begin(QUEUE)
    rig.serving.forget(QUEUE)
    rig.go_on()
    assert rig.served == []


def test_what_could_not_be_read_for_a_while_is_tried_again() -> None:
    rig = Rig()
    replica = rig.machine.up.replicas()[QUEUE]
    sweep = replica.state.sweep

    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    replica.state.sweep = refuse  # type: ignore[method-assign]
    rig.serving.begin(QUEUE)
    rig.go_on()
    replica.state.sweep = sweep  # type: ignore[method-assign]
    rig.serving.tick()
    rig.go_on()
    assert rig.served == []
    cast("Cluster", rig.machine.cluster).now_ms += AGAIN_MS
    rig.core.tick(rig.core.node.now_ms + AGAIN_MS)
    rig.serving.tick()
    rig.go_on()
    assert (rig.served, list(rig.damages)) == ([QUEUE], [])
