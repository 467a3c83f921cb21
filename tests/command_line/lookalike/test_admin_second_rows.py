"""The bodies of what is declared, and what is in paths."""

from typing import Any

import pytest

from command_line.lookalike.admin_second_rows import LISTS, OBJECTS

FLAGS = {"durable": "true", "auto-delete": "false"}


@pytest.mark.parametrize(
    ("kind", "values", "body"),
    [
        (
            "queue",
            {**FLAGS, "type": "quorum", "arguments": {"x-queue-type": "stream"}},
            {"durable": "true", "auto_delete": "false", "arguments": {"x-queue-type": "stream"}},
        ),
        (
            "stream",
            {"expiration": "8h", "arguments": {}, "max-length-bytes": 5},
            {
                "durable": True,
                "arguments": {
                    "x-queue-type": "stream",
                    "x-max-age": "8h",
                    "x-max-length-bytes": 5,
                },
            },
        ),
        (
            "user",
            {"password": "p", "password-hash": "", "tags": "a"},
            {"password": "p", "tags": "a"},
        ),
        (
            "user",
            {"password": "p", "password-hash": "h", "tags": ""},
            {"password_hash": "h", "tags": ""},
        ),
        ("vhost", {"tracing": "true", "description": "d"}, {"tracing": True, "description": "d"}),
        ("policy", {"apply-to": "all", "priority": 1}, {"apply-to": "all", "priority": 1}),
    ],
)
def test_bodies(kind: str, values: dict[str, Any], body: dict[str, Any]) -> None:
    assert OBJECTS[kind].body(values) == body


def test_what_is_in_a_path() -> None:
    assert OBJECTS["parameter"].in_path == ["component", "name"]
    assert OBJECTS["permissions"].in_path == ["user"]
    assert LISTS["user_connections"].is_needed
