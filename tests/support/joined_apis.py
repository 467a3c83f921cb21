"""The HTTP APIs of two nodes of a cluster in memory, which ask each other without a link.

``jobs`` is led by b, ``votes`` by a. A question is answered in the loop of the node that asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from amqp_server.broker.admin import PeerAwayError
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api

A, B = "rabbit@a", "rabbit@b"


class ApiPeers:
    """The peers of one node.

    Attributes:
        asked: node, subject and question of each.
        is_silent: the other node does not answer, and does not refuse.
        is_gone: it cannot be asked.
    """

    def __init__(self, own: str, nodes: "dict[str, ApiPeers]") -> None:
        self._own, self._nodes = own, nodes
        nodes[own] = self
        self.asked: list[tuple[str, str, bytes]] = []
        self.answering: dict[str, Callable[[bytes, str], Awaitable[bytes]]] = {}
        self.is_silent = self.is_gone = False

    def answer_to(self, subject: str, answering: Callable[[bytes, str], Awaitable[bytes]]) -> None:
        self.answering[subject] = answering

    async def ask(self, node: str, subject: str, octets: bytes, within_s: float) -> bytes:
        self.asked.append((node, subject, octets))
        if self.is_gone:
            raise PeerAwayError("gone", was_asked=False)
        if self.is_silent:
            async with asyncio.timeout(within_s):
                await asyncio.Event().wait()
        return await self._nodes[node].answering[subject](octets, self._own)


class Joined(NamedTuple):
    """Both nodes; ``peers`` are those of a."""

    a: Api
    b: Api
    peers: ApiPeers


@contextmanager
def joined_apis() -> Iterator[Joined]:
    nodes: dict[str, ApiPeers] = {}
    peers = ApiPeers(A, nodes)
    with Api(peers=peers, name=A) as a, Api(peers=ApiPeers(B, nodes), name=B) as b:
        for api, own, other in ((a, A, B), (b, B, A)):
            api.broker.cluster = cluster = FakeCluster(own, other)
            client = api.node.open()
            client.declare("jobs")
            client.declare("votes")
            cluster.put("jobs", B, A)
            cluster.put("votes", A, B)
        yield Joined(a, b, peers)
