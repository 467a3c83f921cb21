"""An upstream and its downstream, one of which is killed again and again, lose nothing."""

from pathlib import Path

import pytest

from tests.crash.federated_queue_kill_loop import QueueKillLoop, federated_queue_node
from tests.crash.federation_kill_loop import FederationKillLoop, downstream_node, upstream_node
from tests.support.ports import free_port

CYCLES = 6
SEED = 20_261_129


@pytest.mark.timeout(300)
def test_no_kill_of_either_node_loses_a_message(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    upstream = upstream_node(tmp_path / "upstream", ports[0])
    downstream = downstream_node(tmp_path / "downstream", ports[1], ports[0])
    totals = FederationKillLoop(upstream, downstream, SEED).run(CYCLES)
    assert totals.lost == frozenset()
    assert totals.confirmed > 200


@pytest.mark.timeout(300)
def test_a_federated_queue_loses_nothing_either(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    upstream = upstream_node(tmp_path / "upstream", ports[0])
    downstream = federated_queue_node(tmp_path / "downstream", ports[1], ports[0])
    totals = QueueKillLoop(upstream, downstream, SEED).run(CYCLES)
    assert totals.lost == frozenset()
    assert totals.confirmed > 200
