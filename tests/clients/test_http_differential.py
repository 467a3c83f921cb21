"""The HTTP API beside that of Debian's RabbitMQ: every difference has its reason."""

from pathlib import Path

import pytest

from conformance.http_differential import load_rows, run
from conformance.rabbitmq import HTTP_PORT_OFFSET, SERVER, RabbitMQ
from tests.clients.support.server import Server, accepts, free_port

pytestmark = pytest.mark.clients

DEFINITIONS = Path("conformance/definitions.json").absolute()


def high_free_port() -> int:
    """Return a free port whose port of management, and of distribution, is free too."""
    while True:
        port = 20_000 + free_port() % 15_000
        offsets = (0, HTTP_PORT_OFFSET, 2 * HTTP_PORT_OFFSET)
        if not any(accepts(port + offset) for offset in offsets):
            return port


def test_every_row_has_a_reason() -> None:
    assert all(row.reason for row in load_rows())


@pytest.mark.timeout(300)
@pytest.mark.skipif(not SERVER.exists(), reason="Debian's rabbitmq-server is not installed")
def test_all_calls_are_answered_alike(tmp_path: Path) -> None:
    settings = f"management: {{}}\nbroker: {{load_definitions: {DEFINITIONS}}}\n"
    port = high_free_port()
    with RabbitMQ(high_free_port()) as rabbitmq:
        haremq = Server(tmp_path, port, settings)
        try:
            haremq.wait_until_it_accepts()
            found = run(rabbitmq.port + HTTP_PORT_OFFSET, port + HTTP_PORT_OFFSET)
        finally:
            haremq.stop()
    unexplained = [f"{each.call}: {each.difference}" for each in found if each.reason is None]
    assert unexplained == []
