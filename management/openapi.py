"""The description of the HTTP API for machines (OpenAPI 3.1), and its page for people.

Both are made of the rows of the route table. ``python -m management`` prints the page, which is
``docs/management-routes.md``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from management.routing.route import Right, Route
from management.shapes import SHAPES
from management.shapes.words import schema_of

_NAMED: Final = re.compile(r"\{(\w+)\}")

RIGHTS: Final[Mapping[Right, str]] = {
    Right.NOBODY: "no login",
    Right.USER: "any tag of management",
    Right.VISIBLE_VHOST: "any tag of management",
    Right.POLICYMAKER: "policymaker",
    Right.MONITORING: "monitoring",
    Right.ADMINISTRATOR: "administrator",
}


def right_of(route: Route) -> str:
    """Return in words what a route needs."""
    words = RIGHTS[route.right]
    if "{vhost}" not in route.path or route.right in {Right.ADMINISTRATOR, Right.MONITORING}:
        return words
    if route.right is Right.VISIBLE_VHOST:
        return f"{words}, and rights in the vhost or monitoring"
    return f"{words}, and rights in the vhost"


def family_of(route: Route) -> str:
    """Return the group of routes that a route belongs to."""
    return route.path.partition("/")[0]


def description(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the description of the API.

    Args:
        routes: the rows of the table.
        version: of the broker.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/api/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "HareMQ management", "version": version},
        "paths": paths,
        "components": {
            "schemas": {name: schema_of(shape) for name, shape in SHAPES.items()},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "session": {"type": "apiKey", "in": "cookie", "name": "haremq_session"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    names = _NAMED.findall(route.path)
    words = re.findall(r"\w+", route.path.replace("{", "by_").replace("-", "_"))
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]),
        "summary": route.summary,
        "description": f"Needs {right_of(route)}.",
        "tags": [family_of(route)],
        "security": [] if route.right is Right.NOBODY else [{"basic": []}, {"session": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {"200" if route.answer else "204": _answer(route)},
    }
    if route.right is not Right.NOBODY:
        operation["responses"]["401"] = {"description": "No login, or no right."}
    if route.body:
        schema = schema_of(SHAPES.get(route.body, {}), is_body=True)
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _answer(route: Route) -> dict[str, Any]:
    if not route.answer:
        return {"description": "Done; 201 where it made something new."}
    schema = _named(route.answer)
    if route.is_list:
        schema = {"type": "array", "items": schema}
    return {"description": route.summary, "content": {"application/json": {"schema": schema}}}


def _named(shape: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{shape}"} if shape in SHAPES else {}


def page(routes: Iterable[Route]) -> str:
    """Return the page for people: a table of all routes."""
    lines = [
        "# Routes of the HTTP API",
        "",
        "Below `/api/`. A name in braces is one percent-encoded segment. HEAD and OPTIONS work on",
        "each of them. *Ours* are routes that RabbitMQ does not have. This page is written by",
        "`python -m management`.",
        "",
        "| method | path | needs | what |",
        "|---|---|---|---|",
    ]
    for route in sorted(routes, key=lambda each: (each.path, each.method)):
        ours = " *Ours.*" if route.extension else ""
        lines.append(
            f"| {route.method} | `{route.path}` | {right_of(route)} | {route.summary}{ours} |"
        )
    return "\n".join(lines) + "\n"
