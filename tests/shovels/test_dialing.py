"""The sockets of shovels."""

import ssl

import pytest

from amqp_server.broker.shovels.uris import amqp_uri
from amqp_server.shovels.dialing import dial_ourselves, loopback_pair, tls_context
from tests.support.loops import Run


def test_a_pair_is_connected() -> None:
    near, far = loopback_pair()
    with near, far:
        near.setblocking(True)
        far.send(b"x")
        assert near.recv(1) == b"x"


def test_a_node_that_does_not_take_it_leaves_no_socket(run: Run) -> None:
    def refuse(_far: object) -> None:
        raise ConnectionRefusedError("no listener speaks amqp")

    async def scene() -> None:
        with pytest.raises(ConnectionRefusedError):
            await dial_ourselves(refuse)

    run(scene())


def test_a_host_must_prove_its_name_unless_the_uri_says_otherwise() -> None:
    strict = tls_context(amqp_uri("amqps://host"))
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls_context(amqp_uri("amqps://host?verify=verify_none")).verify_mode == ssl.CERT_NONE
    with pytest.raises(OSError, match="No such file"):
        tls_context(amqp_uri("amqps://host?cacertfile=/nowhere.pem"))
