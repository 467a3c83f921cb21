"""Certificates name the nodes."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.links.handshake import Trust
from cluster.links.sockets.dialer import TcpAddress
from tests.support.certificates import Authority
from tests.support.link_sockets import BRISK, QUEUES, is_linked
from tests.support.linked_nodes import LinkedNode, until
from tests.support.node_contexts import contexts


@pytest.mark.parametrize("certified", ["b", "c"])
def test_certificates_name_the_nodes(tmp_path: Path, certified: str) -> None:
    async def work() -> None:
        authority, trust = Authority(), Trust(b"", needs_certificate=True)
        nodes: dict[str, LinkedNode] = {}
        for name, certificate in (("a", "a"), ("b", certified)):
            tls = contexts(tmp_path, certificate, authority)
            nodes[name] = LinkedNode(name, nodes, QUEUES, BRISK, tls=tls, trust=trust)
            await nodes[name].listen()
        # A dialer shows its own certificate: each has its own context for the other's address.
        address = nodes["b"].address
        assert isinstance(address, TcpAddress)
        assert nodes["a"].tls is not None
        nodes["b"].address = replace(address, tls=nodes["a"].tls[1])
        nodes["a"].dial("b")
        if certified == "b":
            await until(nodes, lambda: is_linked(nodes))
        else:
            await until(nodes, lambda: nodes["a"].dialers["b"].attempts_count >= 3)
            assert not is_linked(nodes)
        for node in nodes.values():
            await node.stop()

    asyncio.run(work())
