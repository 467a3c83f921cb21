"""Both loops that the broker runs on, and the files of a listener with TLS."""

import asyncio
import ssl
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from amqp_server.net.settings import TlsSettings
from tests.support.certificates import Authority
from tests.support.loops import Run
from tests.support.tls_handshake import client_context


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Run a coroutine to its end, on a loop of its own, within a few seconds."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    async def within_time(work: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(5):
            await work

    with asyncio.Runner(loop_factory=factory) as runner:
        yield lambda work: runner.run(within_time(work))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> TlsSettings:
    leaf = authority.issue(tmp_path, name="server")
    ca_file = authority.write(tmp_path / "ca.pem")
    return TlsSettings(
        certificate_file=leaf.certificate_file, key_file=leaf.key_file, ca_file=ca_file
    )


@pytest.fixture
def client(files: TlsSettings) -> ssl.SSLContext:
    """A context that trusts the listener's certificate."""
    return client_context(str(files.ca_file))
