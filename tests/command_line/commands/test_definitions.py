"""``haremq definitions``."""

import json
from pathlib import Path

import pytest

from command_line.commands.definitions import write_file
from command_line.errors import CommandError
from tests.support.typed_commands import Typed


def test_definitions_go_out_and_come_back(typed: Typed, tmp_path: Path) -> None:
    typed("queues", "declare", "q")
    file = tmp_path / "d.json"
    assert typed("definitions", "export", str(file)).status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    typed("queues", "delete", "q", "-y")
    text = file.read_text()
    assert typed("definitions", "import", "f", files={"f": "\ufeff" + text}).status == 0
    assert typed("queues", "show", "q").status == 0


def test_definitions_of_a_vhost_are_printed(typed: Typed) -> None:
    typed("queues", "declare", "q")
    found = typed("definitions", "export", "-p", "/").json
    assert [queue["name"] for queue in found["queues"]] == ["q"]
    text = json.dumps(found)
    assert typed("definitions", "import", "-", "-p", "/", files={"-": text}).status == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"queues": 5}'])
def test_what_is_no_definition_is_refused(typed: Typed, text: str) -> None:
    assert typed("definitions", "import", "f", files={"f": text}).status == 65


def test_a_file_that_cannot_be_written_keeps_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        write_file(str(tmp_path / "none" / "d.json"), "x")
    assert caught.value.status == 74
    write_file(str(tmp_path / "d.json"), "old")
    write_file(str(tmp_path / "d.json"), "new")
    assert (tmp_path / "d.json").read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["d.json"]
