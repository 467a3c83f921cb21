"""Results in all forms."""

import json

from command_line.lookalike.results import Done, Rows, Told, written

ROWS = Rows(("name", "messages"), [{"name": "q", "messages": 1}, {"name": 'a"b\x1b'}])


def shown(form: str, result: Rows | Told | Done = ROWS, **given: bool) -> str:
    given = {"has_head": True, "is_silent": False, **given}
    return written(result, form, **given)


def test_a_list_in_its_forms() -> None:
    assert shown("") == 'name\tmessages\nq\t1\na"b\\x1b\t\n'
    assert shown("", has_head=False).startswith("q\t1\n")
    assert shown("csv") == '"name","messages"\n"q","1"\n"a""b\\x1b",""\n'
    assert json.loads(shown("json"))[1] == {"name": 'a"b\x1b', "messages": ""}
    assert len(shown("json_stream").splitlines()) == 2
    assert shown("pretty_table").count("\x1b(0") == shown("pretty_table").count("\x1b(B")


def test_a_list_of_nothing_has_no_head() -> None:
    empty = Rows(("name",), [])
    assert [shown(form, empty) for form in ("", "csv", "pretty_table")] == ["", "", ""]
    assert shown("json", empty) == "[\n]\n"


def test_a_drawn_table_is_as_wide_as_its_cells() -> None:
    row = Rows(("a",), [{"a": "xyz"}], is_drawn=True)
    lines = shown("", row).splitlines()
    assert lines[0] == "\x1b(0lqqqqqk\x1b(B"
    assert lines[3] == "\x1b(0x\x1b(B xyz \x1b(0x\x1b(B"


def test_what_is_told_and_done() -> None:
    told = Told("well", {"result": "ok"}, is_check=True)
    assert (shown("", told), shown("", told, is_silent=True)) == ("well\n", "")
    assert shown("json", told) == '{"result":"ok"}\n'
    assert (shown("", Done("n")), shown("json", Done("n"))) == ("", '{"node":"n","result":"ok"}\n')


def test_a_list_may_have_a_json_of_its_own() -> None:
    rows = Rows(("keys", "values"), [{"keys": "a", "values": 1}], json={"message": {"a": 1}})
    assert written(rows, "json", has_head=True, is_silent=False) == '{"message":{"a":1}}\n'
    assert written(rows, "", has_head=False, is_silent=False) == "a\t1\n"
