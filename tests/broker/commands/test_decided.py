"""Which commands a node of a cluster has decided, and what it says where it cannot."""

import asyncio

import pytest

from amqp_server.broker.admin import COMMANDS
from amqp_server.broker.commands.decided import DECIDED, REFUSED
from amqp_server.broker.errors import UndecidedError
from tests.support.clustered_nodes import IMPATIENT_MS, cluster_of
from tests.support.decided_commands import ACCOUNTS, TOPOLOGY, VHOSTS, done


def test_every_command_that_changes_definitions_is_decided_or_refused() -> None:
    assert {name for name, _ in (*VHOSTS, *ACCOUNTS, *TOPOLOGY)} == set(DECIDED)
    for name in DECIDED:
        code = DECIDED[name].__code__
        names = code.co_varnames[2 : code.co_argcount + code.co_kwonlyargcount]
        assert set(names) == set(COMMANDS[name].needs), name
    assert set(COMMANDS) >= REFUSED


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_not_decided_is_refused(name: str) -> None:
    async def run() -> None:
        async with cluster_of(1) as cluster:
            given = dict.fromkeys(COMMANDS[name].needs, "")
            answer = await done(cluster, 0, name, given)
            assert str(answer.error) == f"{name} is not offered by a node of a cluster"

    asyncio.run(run())


def test_a_store_that_is_away_is_said() -> None:
    async def run() -> None:
        async with cluster_of(1, patience_ms=IMPATIENT_MS) as cluster:
            cluster.store.go_away()
            answer = await done(cluster, 0, *VHOSTS[0])
            assert isinstance(answer.error, UndecidedError)

    asyncio.run(run())
