"""How a tool is found, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line.errors import CommandError
from command_line.lookalike.program import NAMES, NOT_HERE, TOOLS, commands_of
from command_line.probe import TOOLS as PROBED
from tests.support.typed_commands import Scripted, Tool, Typed


def test_a_banner_comes_before_and_can_be_kept_quiet(tool: Tool) -> None:
    assert tool("rabbitmqctl list_vhosts").out == "Listing vhosts ...\nname\n/\n"
    assert tool("rabbitmqctl list_vhosts -q").out == "name\n/\n"
    assert tool("rabbitmqctl -s list_vhosts").out == "/\n"
    assert tool("rabbitmqctl list_vhosts --no-table-headers").out == "Listing vhosts ...\n/\n"
    assert tool("rabbitmqctl list_vhosts --formatter json").json == [{"name": "/"}]


def test_a_wrong_command_line_is_64(tool: Tool) -> None:
    for line in ("bogus", "", "add_user", "list_queues --bogus", "list_queues --formatter zork"):
        said = tool(f"rabbitmqctl {line}")
        assert (said.status, said.out) == (64, "")
        assert "Usage" in said.err


def test_what_is_not_here_is_refused_with_a_reason(tool: Tool) -> None:
    for name, reason in NOT_HERE.items():
        said = tool(f"rabbitmqctl {name} x")
        assert (said.status, reason in said.err) == (64, True)


def test_no_command_is_refused_that_is_here() -> None:
    for name in TOOLS:
        assert not set(NOT_HERE) & set(commands_of(name))


def test_help_is_no_error(tool: Tool) -> None:
    for name in NAMES:
        assert tool(f"{name} help").status == 0


def test_another_node_is_not_this_one(tool: Tool) -> None:
    said = tool("rabbitmqctl -n none@localhost list_vhosts")
    assert (said.status, said.out) == (69, "")
    assert "unable to perform an operation on node 'none@localhost'" in said.err
    assert tool("rabbitmqctl -n rabbit list_vhosts").status == 0


def test_nobody_there_is_69_and_no_answer_75(tool: Tool) -> None:
    way = Scripted(CommandError("it cannot be reached", 69))
    said = Tool(Typed(way=way))("rabbitmqctl list_queues -q")
    assert (said.status, said.err) == (69, "Error:\nit cannot be reached\n")
    assert tool("rabbitmqctl list_vhosts -t 0").status == 75
    assert tool("rabbitmqctl list_vhosts -t x").status == 64


def test_the_names_are_known_before_anything_is_loaded() -> None:
    assert frozenset(NAMES) == PROBED


@pytest.mark.parametrize("name", ["rabbitmqctl", "rabbitmqadmin"])
def test_the_program_is_the_tool_under_its_name(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text(
        f"#!{sys.executable}\nfrom amqp_server.__main__ import main\nmain()\n", encoding="utf-8"
    )
    program.chmod(0o755)
    environ = {**os.environ, "HAREMQ_URI": "http://127.0.0.1:9", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [program, "list", "queues"] if name == "rabbitmqadmin" else [program, "list_queues"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if name == "rabbitmqadmin" else 69)
    assert "Connection refused" in done.stderr
