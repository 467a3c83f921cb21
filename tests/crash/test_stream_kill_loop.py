"""A node with streams that is killed again and again loses nothing; one that does is convicted."""

from pathlib import Path

import pytest

from tests.crash.kill_loop import FaultFoundError, power_under
from tests.crash.stream_kill_loop import StreamNode, kill_again_and_again

CYCLES = 5
SEED = 20_261_129


@pytest.mark.timeout(300)
@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_streams_of_a_node_that_is_killed_keep_what_they_confirmed(
    tmp_path: Path, durability: str
) -> None:
    totals = kill_again_and_again(StreamNode(tmp_path, durability), SEED, CYCLES)
    assert totals.kills >= CYCLES
    assert totals.confirmed > 1_000
    assert totals.read > totals.confirmed


@pytest.mark.timeout(300)
def test_power_cuts_take_nothing_that_a_stream_confirmed(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    node = StreamNode(tmp_path, "fsync", power.environment)
    totals = kill_again_and_again(node, SEED, CYCLES, power)
    assert totals.confirmed > 500


@pytest.mark.timeout(300)
def test_a_disk_that_lies_about_its_syncs_is_found_out(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    lying = {**power.environment, "DISK_SHIM_LIES": "1"}
    with pytest.raises(FaultFoundError):
        kill_again_and_again(StreamNode(tmp_path, "fsync", lying), SEED, CYCLES, power)
