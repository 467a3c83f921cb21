"""What is done to a cluster."""

import asyncio
from typing import Any

import pytest

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering.beginning import run_steps
from tests.support.looked_cluster import looked


def test_what_is_not_there_yet_is_refused() -> None:
    _, commands = looked()
    refused: list[Awaited[Any]] = [
        commands.move_leader("v", "jobs", "b"),
        commands.add_replica("v", "jobs", "b"),
        commands.remove_replica("v", "jobs", "b"),
        commands.promotion("v", "jobs", "b"),
        commands.promote("v", "jobs", "b"),
        commands.drain("b"),
        commands.undrain("b"),
        commands.forget("b"),
        commands.rebalance("", "", ""),
        commands.finalize(),
    ]
    for each in refused:
        with pytest.raises(PreconditionFailedError, match="is not there yet: nothing was done"):
            asyncio.run(run_steps(each.value()))
