"""A browser, and the built UI that it looks at."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from conformance.rabbitmq import HTTP_PORT_OFFSET, SERVER
from management.web_ui import WebUi
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import START_TIMEOUT_S, Server, accepts
from tests.web.chromium import chromium, executable
from tests.web.rabbitmq_rig import filled_rabbitmq, low_port
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
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
def over_rabbitmq(ui: WebUi) -> Iterator[str]:
    """The address of the UI over RabbitMQ's API, with some of everything in it."""
    if not SERVER.exists():
        reason = "no rabbitmq-server"
        pytest.fail(reason) if IS_REQUIRED else pytest.skip(reason)
    with filled_rabbitmq() as api, StandIn(api) as served:
        yield served.url


@pytest.fixture(scope="session")
def over_haremq(ui: WebUi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the UI as HareMQ itself serves it."""
    with_api = "management: {rates_mode: basic}\n"
    server = Server(tmp_path_factory.mktemp("haremq"), port=low_port(), settings=with_api)
    try:
        server.wait_until_it_accepts()
        http_port = server.port + HTTP_PORT_OFFSET
        wait_until(lambda: accepts(http_port), "the HTTP API", START_TIMEOUT_S)
        yield f"http://127.0.0.1:{http_port}/"
    finally:
        server.stop()
