"""A node that is killed again and again brings every delayed message; one that does not is seen."""

from pathlib import Path

import pytest

from tests.crash.delay_kill_loop import DelayKillLoop, delay_node
from tests.crash.kill_loop import FaultFoundError, power_under
from tests.crash.node import Node
from tests.support.ports import free_port

CYCLES = 3
SEED = 20_261_129


@pytest.mark.timeout(300)
@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_no_kill_takes_what_waits(tmp_path: Path, durability: str) -> None:
    totals = DelayKillLoop(delay_node(tmp_path, durability), SEED).run(CYCLES)
    assert totals.confirmed > 300


@pytest.mark.timeout(300)
def test_no_power_cut_takes_what_waits(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    totals = DelayKillLoop(delay_node(tmp_path, "fsync", power), SEED, power).run(CYCLES)
    assert totals.confirmed > 100


@pytest.mark.timeout(300)
def test_a_disk_that_lies_about_its_syncs_is_found_out(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    node = delay_node(tmp_path, "fsync", power)
    lying = Node(tmp_path, free_port(), node.settings, {**power.environment, "DISK_SHIM_LIES": "1"})
    with pytest.raises(FaultFoundError):
        DelayKillLoop(lying, SEED, power).run(CYCLES)
