"""The short form of the fault suite: a cluster, and a node that is alone, under a few faults.

``make jepsen`` is the long form.
"""

import re

import pytest

from tests.jepsen.__main__ import MISSING_STATUS, main

EPISODES = 20
SECONDS = 900
"""An episode takes 10 s on an idle machine, and a few times that beside other tests."""

SEED = 20_261_130


def played_in(output: str) -> tuple[int, int]:
    """Return how many episodes the last line of the table has, and what was confirmed in them."""
    found = re.search(r"^all +(\d+) +([\d,]+)", output, re.MULTILINE)
    assert found is not None, output
    return int(found[1]), int(found[2].replace(",", ""))


def test_a_node_that_is_killed_and_frozen_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    kinds = ("--kinds", "kill-leader,freeze-leader-5")
    status = main(["--brokers", "haremq-single", "--episodes", "2", "--short", *kinds])
    output = capfd.readouterr().out
    assert status == 0, output
    count, confirmed = played_in(output)
    assert (count, confirmed > 1_000) == (2, True), output


@pytest.mark.timeout(SECONDS + 360)
def test_a_cluster_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    length = ("--episodes", str(EPISODES), "--seconds", str(SECONDS), "--short")
    status = main(["--stores", "1", "--seed", str(SEED), "--rate", "100", *length])
    output = capfd.readouterr().out
    if status == MISSING_STATUS:
        pytest.skip(output.strip().splitlines()[-1])
    assert status == 0, output
    count, confirmed = played_in(output)
    assert count == EPISODES, f"no time was left for {EPISODES - count} episodes:\n{output}"
    assert confirmed > 5_000, output


def test_a_table_with_fewer_episodes_is_seen() -> None:
    assert played_in("kill 3 1 0\nall   12   5,004  0\n") == (12, 5_004)
