"""Clients of two nodes of a cluster, one after another, are answered as by one broker.

Each request goes to a node by chance, at once behind the answer to the one before: what a client
was told on one node holds on the other, however far that one's copy is.
"""

import asyncio
from random import Random

import pytest
from pamqp import commands

from amqp_server.wire.methods import Method
from tests.support.clustered_nodes import Asking, Cluster, cluster_of, held
from tests.support.peer import Client, Node

SEEDS, MOVES = 12, 60

Q, X = commands.Queue, commands.Exchange
QUEUES = ["q1", "q1", "q2", "amq.mine"]
SOURCES = ["x1", "x1", "x1", "x2", "amq.topic", "amq.none"]
KINDS = ["fanout", "fanout", "topic", "x-consistent-hash", "unheard-of"]
ARGUMENTS: list[dict[str, object]] = [
    {},
    {},
    {"x-queue-type": "classic"},
    {"x-max-length": 5},
    {"x-queue-type": "unheard of"},
]

Request = tuple[type[Method], dict[str, object]]


def one_of(chance: Random) -> Request:
    queue, source, other = chance.choice(QUEUES), chance.choice(SOURCES), chance.choice(SOURCES)
    key = {"routing_key": chance.choice(["", "1"])}
    durable = {"durable": chance.random() < 0.8}
    passive = {"passive": chance.random() < 0.3}
    match chance.randrange(11):
        case 0 | 1:
            arguments = {"arguments": chance.choice(ARGUMENTS)}
            return Q.Declare, {"queue": queue, **durable, **passive, **arguments}
        case 2 | 3:
            kind = {"exchange_type": chance.choice(KINDS)}
            return X.Declare, {"exchange": source, **durable, **passive, **kind}
        case 4 | 5:
            return Q.Bind, {"queue": queue, "exchange": source, **key}
        case 6:
            return X.Bind, {"source": source, "destination": other, **key}
        case 7:
            return Q.Unbind, {"queue": queue, "exchange": source, **key}
        case 8:
            return X.Unbind, {"source": source, "destination": other, **key}
        case 9:
            return Q.Delete, {"queue": queue, "if_unused": chance.random() < 0.3}
        case _:
            return X.Delete, {"exchange": source, "if_unused": chance.random() < 0.6}


def shown(method: Method) -> tuple[object, ...]:
    """Return a method as octets would tell it from another."""
    return method.name, *(getattr(method, name) for name in type(method).__annotations__)


def reopened(client: Client, answer: Method) -> None:
    if isinstance(answer, commands.Channel.Close):
        client.send(commands.Channel.CloseOk)
        client.open_channel(1)


async def played(cluster: Cluster, chance: Random) -> None:
    alone = Node()
    single = alone.open()
    clients: list[Asking] = [cluster.open(0), cluster.open(1)]
    for _ in range(MOVES):
        kind, arguments = one_of(chance)
        client = chance.choice(clients)
        answer = await client.ask(kind, **arguments)
        single.send(kind, **arguments)
        (expected,) = single.methods()
        assert shown(answer) == shown(expected), (kind.name, arguments)
        reopened(client.client, answer)
        reopened(single, expected)
    await cluster.alike()
    assert held(cluster.nodes[0]) == held(cluster.nodes[1]) == held(alone)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_two_nodes_answer_as_one_broker(seed: int) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await played(cluster, Random(seed))

    asyncio.run(run())
