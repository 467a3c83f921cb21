"""Durable queues and their persistent messages outlive a kill; nothing else does."""

from pathlib import Path

import pytest

from tests.crash.kill_loop import node_of
from tests.crash.survivors import SURVIVORS, survivors
from tests.support.ports import free_port


@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_what_outlives_a_kill_is_what_outlives_one_of_rabbitmq(
    tmp_path: Path, durability: str
) -> None:
    node = node_of(tmp_path, free_port(), durability)
    try:
        assert survivors(node) == SURVIVORS
    finally:
        assert node.stop() == 0, node.log_tail()
