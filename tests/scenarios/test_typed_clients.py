"""What clients of strict types read is there, with its type, on a busy node and on a fresh one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenarios.test_answers_in_shape import busy
from tests.support.busy_api import Busy
from tests.support.management_api import Api
from tests.support.shape_check import fits

CLIENTS: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(
    Path(__file__).with_name("typed_clients.yaml").read_text(encoding="utf-8")
)
ROWS = [(client, route) for client, routes in CLIENTS.items() for route in routes]

__all__ = ["busy"]


def found(body: Any, way: str) -> Iterator[object]:  # noqa: ANN401 -- JSON
    """Yield what a way leads to; what is not there is ``missing``."""
    first, _, rest = way.partition(".")
    name, is_list, _ = first.partition("[]")
    if name:
        body = body.get(name, "missing") if isinstance(body, dict) else "missing"
    for item in body if is_list and isinstance(body, list) else [body]:
        if rest:
            yield from found(item, rest)
        else:
            yield item


def wrong(api: Api, client: str, route: str) -> list[tuple[str, str, object]]:
    """Return each way whose value is not of its type."""
    node = api.management.services.identity.node
    body = api.get(route.replace("{vhost}", "%2F").replace("{node}", node)).json
    return [
        (way, word, value)
        for word, ways in CLIENTS[client][route].items()
        for way in ways
        for value in found(body, way)
        if value == "missing" or not fits(word, value)
    ]


@pytest.mark.parametrize(("client", "route"), ROWS, ids="; ".join)
def test_a_busy_node_is_read(busy: tuple[Api, Busy], client: str, route: str) -> None:
    api, _ = busy
    assert api.get(route.partition("/{")[0].partition("?")[0]).json
    assert wrong(api, client, route) == []


@pytest.mark.parametrize(("client", "route"), ROWS, ids="; ".join)
def test_a_fresh_node_is_read(client: str, route: str) -> None:
    with Api() as api:
        assert wrong(api, client, route) == []
