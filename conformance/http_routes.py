"""The routes that HareMQ describes, and which of them a call of the differential asks for.

Every route has a call, or a row in ``http_newer.yaml`` that says why RabbitMQ 3.10 has no such one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import yaml

from conformance.http_broker import Broker
from conformance.http_calls.call import Call

NEWER: Final = Path(__file__).with_name("http_newer.yaml")
_PREFIX: Final = "/api/"


def described_by(haremq: Broker) -> list[str]:
    """Return the routes of a node, such as ``GET queues/{vhost}``, from its OpenAPI description."""
    paths = haremq.ask(Call("GET", "openapi.json")).value["paths"]
    return sorted(
        f"{method.upper()} {path.removeprefix(_PREFIX)}"
        for path, methods in paths.items()
        for method in methods
    )


def route_of(call: Call, routes: Iterable[str]) -> str | None:
    """Return the route that a call asks for: that with the most fixed segments. None is none."""
    segments = call.path.partition("?")[0].removesuffix("/").split("/")
    fitting = [
        route
        for route in routes
        if _fits(route.partition(" ")[2].split("/"), segments)
        and call.method == route.partition(" ")[0]
    ]
    return min(fitting, key=lambda route: route.count("{"), default=None)


def _fits(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        part.startswith("{") or part == segment
        for part, segment in zip(pattern, segments, strict=True)
    )


def newer() -> Mapping[str, str]:
    """Return the routes that RabbitMQ 3.10 does not have, each with where it comes from."""
    rows = yaml.safe_load(NEWER.read_text(encoding="utf-8"))
    return {row["route"]: row["reason"] for row in rows}


def without_call(routes: Iterable[str], calls: Iterable[Call]) -> list[str]:
    """Return the routes that no call asks for and no row explains."""
    every = list(routes)
    asked = {route_of(call, every) for call in calls}
    return [route for route in every if route not in asked and route not in newer()]
