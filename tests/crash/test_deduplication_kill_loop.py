"""A node that is killed again and again has each confirmed message once, however often it came."""

from pathlib import Path

import pytest

from tests.crash.deduplication_kill_loop import DeduplicationKillLoop
from tests.crash.kill_cycles import killed_node
from tests.crash.kill_loop import FaultFoundError, power_under
from tests.crash.node import Node
from tests.support.ports import free_port

CYCLES = 3
SEED = 20_261_129


@pytest.mark.timeout(300)
@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_no_kill_makes_a_message_come_again(tmp_path: Path, durability: str) -> None:
    totals = DeduplicationKillLoop(killed_node(tmp_path, durability), SEED).run(CYCLES)
    assert totals.confirmed > 300
    assert totals.repeated > 50


@pytest.mark.timeout(300)
def test_no_power_cut_does(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    node = killed_node(tmp_path, "fsync", power)
    totals = DeduplicationKillLoop(node, SEED, power).run(CYCLES)
    assert totals.confirmed > 100


@pytest.mark.timeout(300)
def test_a_disk_that_lies_about_its_syncs_is_found_out(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    node = killed_node(tmp_path, "fsync", power)
    lying = Node(tmp_path, free_port(), node.settings, {**power.environment, "DISK_SHIM_LIES": "1"})
    with pytest.raises(FaultFoundError):
        DeduplicationKillLoop(lying, SEED, power).run(CYCLES)
