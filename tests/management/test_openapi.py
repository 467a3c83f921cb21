"""The description of the API is that of its routes."""

from pathlib import Path

from management.openapi import description, family_of, page, right_of
from management.route_table import ROUTES
from management.shapes import SHAPES
from tests.support.management_api import Api

PAGE = Path(__file__).parents[2] / "docs" / "management-routes.md"
TYPES = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
}


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(ROUTES), (
        "run: python -m management > docs/management-routes.md"
    )


def test_every_route_is_described(api: Api) -> None:
    body = api.get("openapi.json").json
    described = {
        (method.upper(), path) for path, methods in body["paths"].items() for method in methods
    }
    assert described == {(route.method, f"/api/{route.path}") for route in ROUTES}
    operations = [each for methods in body["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(ROUTES)
    assert all(each["summary"].endswith(".") for each in operations)


def test_what_is_answered_has_the_described_shape(api: Api) -> None:
    names = {"user": "guest", "vhost": "%2F", "node": api.management.services.identity.node}
    for route in ROUTES:
        shape = SHAPES.get(route.answer)
        if route.method != "GET" or shape is None:
            continue
        path = route.path
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        reply = api.get(path)
        if "{" in path or reply.status != 200:
            continue
        items = reply.json if route.is_list else [reply.json]
        for item in items:
            for field, kind in shape.items():
                if field in item:
                    assert isinstance(item[field], TYPES[kind]), (route.path, field)
            assert route.answer == "limits" or set(item) & set(shape), route.path


def test_rights_in_words() -> None:
    words = {route.path: right_of(route) for route in ROUTES if route.method == "GET"}
    assert words["version"] == "no login"
    assert words["vhost-limits/{vhost}"].endswith("rights in the vhost or monitoring")
    assert words["aliveness-test/{vhost}"] == "any tag of management, and rights in the vhost"
    assert words["vhosts/{vhost}"] == "administrator"
    assert {family_of(route) for route in ROUTES} >= {"users", "vhosts", "health"}


def test_the_description_names_its_version() -> None:
    assert description(ROUTES, "1.2")["info"]["version"] == "1.2"
