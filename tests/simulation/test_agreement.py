"""The core agrees, event by event, with an independent model of the protocol.

``traces/*.json`` were recorded from that model: random runs with faults, each event with all that
it changed in the model's state. Here the same events happen to the cores. What must be equal:
promise, end, base and epoch table of each replica, commit index and possible in-sync sets of each
leader, every frame on its way, and the states in the metadata store. The traces are data and not
a second implementation, so nothing here can be wrong in the same way as the core.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.replication.state import QueueOptions
from tests.simulation import choices
from tests.simulation.cluster import Cluster
from tests.simulation.view import View, changed, view_of

TRACES = sorted(Path(__file__).parent.joinpath("traces").glob("*.json"))

KINDS_THAT_NO_TRACE_HAS = {
    "publishrun", "watch", "syncpart", "read", "fsyncerror", "fill", "space", "giveup",
    "handover", "change", "join", "delete", "forget", "damage", "anew", "resign", "short", "roomy",
    "later", "alone",
}  # fmt: skip
"""Faults that only the simulation has, and not the model; nor has the model R24."""

OF_FRONT_ENDS = {"offer", "submit", "again", "refuse", "answer", "unanswered"}
"""What stands in front of ``append`` (R23); the model begins behind it."""


def unchanging(recorded: object) -> object:
    return tuple(map(unchanging, recorded)) if isinstance(recorded, list) else recorded


def cluster_of(trace: dict[str, Any]) -> Cluster:
    queues = {
        queue: QueueOptions(tuple(replicas), min_isr, guard)
        for queue, (replicas, min_isr, guard) in trace["queues"].items()
    }
    return Cluster(trace["nodes"], queues)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_the_core_does_what_the_model_did(path: Path) -> None:
    trace = json.loads(path.read_text())
    cluster = cluster_of(trace)
    before: View = view_of(cluster)
    for number, (recorded, expected) in enumerate(trace["steps"]):
        choices.do(cluster, tuple(map(unchanging, recorded)))
        after = view_of(cluster)
        assert changed(before, after) == expected, f"event {number}: {recorded}"
        before = after


def test_the_traces_have_every_kind_of_event() -> None:
    traces = [json.loads(path.read_text()) for path in TRACES]
    kinds = {event[0] for trace in traces for event, _ in trace["steps"]}
    assert set(choices.HANDLERS) - kinds == KINDS_THAT_NO_TRACE_HAS | OF_FRONT_ENDS
