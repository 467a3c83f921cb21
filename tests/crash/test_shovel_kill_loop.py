"""Two nodes, one of which is killed again and again, lose nothing that a shovel moves."""

from pathlib import Path

import pytest

from tests.crash.shovel_kill_loop import ShovelKillLoop, destination_node, source_node
from tests.support.ports import free_port

CYCLES = 6
SEED = 20_261_129


@pytest.mark.timeout(300)
def test_no_kill_of_either_node_loses_a_message(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    source = source_node(tmp_path / "source", *ports)
    destination = destination_node(tmp_path / "destination", ports[1])
    totals = ShovelKillLoop(source, destination, SEED).run(CYCLES)
    assert totals.lost == frozenset()
    assert totals.confirmed > 200
