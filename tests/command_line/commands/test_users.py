"""``haremq users``, ``permissions`` and ``topic-permissions``."""

from tests.support.typed_commands import InMemory, Typed


def test_a_user_gets_a_password_that_nobody_sees(typed: Typed) -> None:
    given = ("--new-password-file", "-")
    said = typed("users", "declare", "eve", "--tags", "management", *given, files={"-": "s3cret\n"})
    assert (said.status, said.out, said.err) == (0, "", "")
    shown = typed("users", "show", "eve", "-o", "json")
    assert (shown.json["tags"], "password_hash" in shown.json) == (["management"], False)
    typed.way = InMemory(typed.api, "eve:s3cret")
    assert typed("whoami", "-o", "json").json["name"] == "eve"


def test_a_password_is_typed_where_a_person_is_there(typed: Typed) -> None:
    assert typed("users", "declare", "eve").status == 64
    assert typed("users", "declare", "eve", "--tags", "management", typed="pw").status == 0
    assert typed("users", "set-password", "eve", typed="other").status == 0
    typed.way = InMemory(typed.api, "eve:other")
    assert typed("whoami").status == 0


def test_tags_change_and_the_password_stays(typed: Typed) -> None:
    typed("users", "declare", "eve", typed="pw")
    assert typed("users", "set-tags", "eve", "management", "custom").status == 0
    typed.way = InMemory(typed.api, "eve:pw")
    assert typed("whoami", "-o", "json").json["tags"] == ["management", "custom"]


def test_a_user_that_is_not_there_is_a_status_of_its_own(typed: Typed) -> None:
    for words in (("show",), ("delete", "-y"), ("set-tags",)):
        assert typed("users", words[0], "nobody", *words[1:]).status == 67


def test_a_user_goes(typed: Typed) -> None:
    typed("users", "declare", "eve", "--no-password")
    assert typed("users", "delete", "eve").status == 64
    assert typed("users", "delete", "eve", "-y").status == 0
    assert [row["name"] for row in typed("users", "list", "-o", "json").json] == ["guest"]


def test_rights_come_and_go(typed: Typed) -> None:
    typed("users", "declare", "eve", "--no-password")
    assert typed("permissions", "declare", "eve", "--write", "^a").status == 0
    rows = typed("permissions", "list", "-p", "/", "-o", "json").json
    assert {"user": "eve", "vhost": "/", "configure": ".*", "write": "^a", "read": ".*"} in rows
    assert typed("permissions", "delete", "eve").status == 64
    assert typed("permissions", "delete", "eve", "-y").status == 0


def test_rights_on_routing_keys_come_and_go(typed: Typed) -> None:
    typed("users", "declare", "eve", "--no-password")
    assert typed("topic-permissions", "declare", "eve", "amq.topic", "--write", "^a").status == 0
    [row] = typed("topic-permissions", "list", "-o", "json").json
    assert (row["exchange"], row["write"], row["read"]) == ("amq.topic", "^a", ".*")
    assert typed("topic-permissions", "delete", "eve", "amq.topic", "-y").status == 0
    assert typed("topic-permissions", "list", "-o", "json").json == []
