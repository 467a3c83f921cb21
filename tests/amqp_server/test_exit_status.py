"""What a service manager learns of a node that could not start."""

from pathlib import Path

import pytest

from amqp_server import exit_status
from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import NotFoundError
from amqp_server.net.descriptors import TooFewDescriptorsError
from amqp_server.net.listener import ListenError
from amqp_server.net.tls import TlsFilesError
from persistence.errors import DamagedError, DataDirectoryError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DefinitionsError("x"), 78),
        (NotFoundError("x"), 78),
        (TlsFilesError("x"), 78),
        (ListenError("x"), 69),
        (TooFewDescriptorsError("x"), 71),
        (DataDirectoryError("x"), 74),
        (DamagedError("x"), 74),
        (PermissionError("x"), 74),
        (ValueError("x"), 1),
    ],
)
def test_each_cause_has_its_status(error: Exception, status: int) -> None:
    assert exit_status.status_of(error) == status


def test_the_operations_page_lists_every_status() -> None:
    statuses = {value for value in vars(exit_status).values() if isinstance(value, int)}
    assert statuses == {0, 1, 2, 64, 69, 71, 74, 78}
    page = PAGE.read_text(encoding="utf-8")
    assert [status for status in statuses if f"| {status} |" not in page] == []
