"""The short form of the fault suite: a cluster, and a node that is alone, under a few faults.

``make jepsen`` is the long form.
"""

import re

import pytest

from tests.jepsen.__main__ import MISSING_STATUS, main

EPISODES = 20
SECONDS = 240
SEED = 20_261_130


def confirmed_in(output: str) -> int:
    """Return what the last line of the table says was confirmed."""
    found = re.search(r"^all +\d+ +([\d,]+)", output, re.MULTILINE)
    assert found is not None, output
    return int(found[1].replace(",", ""))


def test_a_node_that_is_killed_and_frozen_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    kinds = ("--kinds", "kill-leader,freeze-leader-5")
    status = main(["--brokers", "haremq-single", "--episodes", "2", "--short", *kinds])
    output = capfd.readouterr().out
    assert status == 0, output
    assert confirmed_in(output) > 1_000


@pytest.mark.timeout(SECONDS + 360)
def test_a_cluster_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    length = ("--episodes", str(EPISODES), "--seconds", str(SECONDS), "--short")
    status = main(["--stores", "1", "--seed", str(SEED), "--rate", "100", *length])
    output = capfd.readouterr().out
    if status == MISSING_STATUS:
        pytest.skip(output.strip().splitlines()[-1])
    assert status == 0, output
    assert confirmed_in(output) > 5_000
