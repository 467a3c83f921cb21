"""The description of the API is that of its routes."""

from pathlib import Path

from management.openapi import description, family_of, page, right_of
from management.route_table import ROUTES
from management.shapes import SHAPES
from tests.support.management_api import Api

PAGE = Path(__file__).parents[2] / "docs" / "management-routes.md"


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


def test_a_shape_is_a_schema_with_bounds_and_what_must_be_there() -> None:
    schemas = description(ROUTES, "1")["components"]["schemas"]
    assert set(schemas) == set(SHAPES)
    queue = schemas["queue"]
    assert {"name", "messages", "messages_details"} <= set(queue["required"])
    assert "leader" not in queue["required"]
    assert queue["properties"]["messages"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 2**63 - 1,
    }
    assert queue["properties"]["messages_details"] == {"$ref": "#/components/schemas/rate"}
    assert queue["properties"]["policy"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert queue["properties"]["type"]["enum"] == ["classic", "quorum", "stream"]
    assert schemas["stream_tracking"]["properties"]["offsets"] == {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    }


def test_nothing_is_required_of_a_body() -> None:
    path = description(ROUTES, "1")["paths"]["/api/queues/{vhost}/{queue}"]
    schema = path["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert "arguments" in schema["properties"]
    assert "required" not in schema


def test_rights_in_words() -> None:
    words = {route.path: right_of(route) for route in ROUTES if route.method == "GET"}
    assert words["version"] == "no login"
    assert words["vhost-limits/{vhost}"].endswith("rights in the vhost or monitoring")
    assert words["aliveness-test/{vhost}"] == "any tag of management, and rights in the vhost"
    assert words["vhosts/{vhost}"] == "administrator"
    assert {family_of(route) for route in ROUTES} >= {"users", "vhosts", "health"}


def test_the_description_names_its_version() -> None:
    assert description(ROUTES, "1.2")["info"]["version"] == "1.2"
