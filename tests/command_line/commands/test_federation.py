"""``haremq federation``."""

from tests.support.typed_commands import Typed


def test_an_upstream_comes_is_shown_and_goes(typed: Typed) -> None:
    words = ("federation", "declare", "u", "amqp://a", "--settings", '{"max-hops": 2}')
    assert typed(*words).status == 0
    rows = typed("federation", "upstreams", "-p", "/", "-o", "json").json
    assert [(row["name"], row["value"]) for row in rows] == [
        ("u", {"uri": "amqp://a", "max-hops": 2})
    ]
    assert typed("federation", "declare", "u", "http://a").status == 65
    assert typed("federation", "delete", "u").status == 64
    assert typed("federation", "delete", "u", "-y").status == 0


def test_links_are_listed_and_restarted(typed: Typed) -> None:
    assert typed("federation", "list", "-o", "json").json == []
    assert typed("federation", "list", "--down", "-p", "/", "-o", "json").json == []
    assert typed("federation", "restart", "none").status == 65
