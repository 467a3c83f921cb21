"""``haremq vhosts`` and ``haremq limits``."""

from tests.support.typed_commands import Typed


def test_a_vhost_comes_is_shown_and_goes(typed: Typed) -> None:
    assert typed("vhosts", "declare", "w", "--description", "d", "--tags", "a,b").status == 0
    shown = typed("vhosts", "show", "w", "-o", "json").json
    assert (shown["description"], shown["tags"]) == ("d", ["a", "b"])
    assert typed("vhosts", "delete", "w").status == 64
    assert typed("vhosts", "delete", "w", "--yes").status == 0
    assert typed("vhosts", "delete", "w", "--yes").status == 65


def test_limits_of_vhosts_and_users(typed: Typed) -> None:
    assert typed("limits", "declare", "max-queues", "5").status == 0
    assert typed("limits", "declare", "max-channels", "7", "--of", "guest").status == 0
    assert typed("limits", "list", "-o", "json").json == [
        {"kind": "vhost", "name": "/", "limits": {"max-queues": 5}},
        {"kind": "user", "name": "guest", "limits": {"max-channels": 7}},
    ]
    typed("limits", "delete", "max-queues")
    typed("limits", "delete", "max-channels", "--of", "guest")
    assert typed("limits", "list", "-o", "json").json == []


def test_a_limit_that_is_none_is_refused(typed: Typed) -> None:
    assert typed("limits", "declare", "max-channels", "5").status == 64
    assert typed("limits", "declare", "max-queues", "x").status == 64
