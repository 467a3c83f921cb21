"""A browser, and the built UI that it looks at."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from management.web_ui import WebUi
from tests.clients.support.server import Server
from tests.web.broker_rig import address_of, filled, haremq
from tests.web.chromium import chromium, executable
from tests.web.stand_in import StandIn

IS_REQUIRED = bool(os.environ.get("HAREMQ_REQUIRE_CLIENTS"))


@pytest.fixture(scope="session")
def ui() -> WebUi:
    """The UI as it was built; where nobody built it, its tests are passed over."""
    built = WebUi()
    if not built.is_built:
        reason = "the web UI is not built: make web"
        pytest.fail(reason) if IS_REQUIRED else pytest.skip(reason)
    return built


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for the tests of a file: Playwright has a loop that runs as long.

    While it runs, no other test of this process could run one.
    """
    if executable() is None:
        reason = "no chromium"
        pytest.fail(reason) if IS_REQUIRED else pytest.skip(reason)
    with chromium() as started:
        yield started


@pytest.fixture
def without_broker(ui: WebUi) -> Iterator[StandIn]:
    """The UI, and no broker behind it."""
    with StandIn() as served:
        yield served


@pytest.fixture(scope="session")
def over_haremq(ui: WebUi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the UI as a HareMQ serves it that was just started."""
    with haremq(tmp_path_factory.mktemp("haremq")) as server:
        yield address_of(server)


@pytest.fixture(scope="session")
def filled_server(ui: WebUi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A HareMQ with some of everything in it."""
    with haremq(tmp_path_factory.mktemp("filled")) as server, filled(server):
        yield server


@pytest.fixture(scope="session")
def over_filled(filled_server: Server) -> str:
    """The address of its UI."""
    return address_of(filled_server)
