"""A client that is not installed skips its tests, unless the run promised to have it."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

REQUIRE_CLIENTS: Final = "HAREMQ_REQUIRE_CLIENTS"
PROGRAMS: Final = Path(__file__).parent.parent / "programs"
SUITE: Final = Path(__file__).parent.parent / "stream_js_suite"
REPOSITORY: Final = PROGRAMS.parent.parent.parent


def _missing(what: str) -> None:
    if os.environ.get(REQUIRE_CLIENTS):
        pytest.fail(f"this run promised {what} ({REQUIRE_CLIENTS} is set), and it is missing")
    pytest.skip(f"{what} is not installed here")


def require_tool(name: str) -> str:
    """Return the path of a command; skip or fail the test that needs it where it is missing."""
    path = shutil.which(name)
    if path is None:
        _missing(name)
    assert path is not None
    return path


def require_node_package(name: str) -> None:
    """Skip or fail the test where `npm ci` in tests/clients/programs has not brought ``name``."""
    if not (PROGRAMS / "node_modules" / name).is_dir():
        _missing(f"npm package {name}")


def require_stream_js_suite() -> None:
    """Skip or fail the test where `npm ci` in tests/clients/stream_js_suite has brought nothing."""
    if not (SUITE / "node_modules" / "mocha").is_dir():
        _missing("the suite of rabbitmq-stream-js-client")
