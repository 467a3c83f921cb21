"""Certificates name the nodes."""

import asyncio
import ssl
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from cluster.links.handshake import Trust
from cluster.links.sockets.dialer import TcpAddress
from tests.support.certificates import Authority
from tests.support.link_sockets import BRISK, QUEUES, is_linked
from tests.support.linked_nodes import LinkedNode, until


def contexts(
    folder: Path, name: str, authority: Authority
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A listener's and a dialer's, with a certificate for a node and for the loopback address."""
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    files = authority.issue(folder, name, names, name=name)
    root = authority.write(folder / "root.pem")
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    for context in (server, client):
        context.load_cert_chain(files.certificate_file, files.key_file)
        context.load_verify_locations(root)
        context.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname = False
    return server, client


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
