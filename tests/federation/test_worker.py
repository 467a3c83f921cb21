"""Why a link does not run, and that it connects again; no secret is told."""

import logging
import socket

import pytest

from amqp_server.broker.shovels.uris import amqp_uri
from amqp_server.federation.worker import error_text
from amqp_server.shovels.errors import RemoteError
from tests.support.federated import declare_exchange, federate, put_upstream, statuses
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run

REFUSED = "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "econnrefused"),
        (socket.gaierror(-2, "Name or service not known"), "nxdomain"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "econnreset"),
        (RemoteError(REFUSED), f'{{auth_failure,"{REFUSED[4:]}"}}'),
        (RemoteError("404 NOT_FOUND"), "404 NOT_FOUND"),
        (OSError(), "OSError"),
    ],
)
def test_why_it_does_not_run(error: Exception, text: str) -> None:
    assert error_text(error) == text


def test_it_connects_again_and_tells_no_secret(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            port = amqp_uri(up.uri).port
            declare_exchange(down)
            wrong = f"amqp://guest:sesame@127.0.0.1:{port}"
            put_upstream(down, wrong)
            federate(down)
            await until(lambda: statuses(down) == ["error"])
            (held,) = down.broker.federation.all()
            assert held.error.startswith('{auth_failure,"ACCESS_REFUSED')
            assert held.uri == f"amqp://127.0.0.1:{port}"
            assert "sesame" not in repr(held)
            put_upstream(down, [wrong, up.uri])
            await until(lambda: statuses(down) == ["running"])

    with caplog.at_level(logging.DEBUG):
        run(scene())
    assert "sesame" not in caplog.text
