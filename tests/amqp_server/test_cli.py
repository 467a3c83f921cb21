"""The program: which commands there are, that each is loaded alone, and wrong command lines."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from amqp_server import __version__
from amqp_server.cli import ROWS, haremq
from command_line.catalogue import ALIASES


def call(*arguments: str) -> Result:
    return CliRunner().invoke(haremq, list(arguments))


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_told(arguments: list[str]) -> None:
    assert call(*arguments).output == f"haremq {__version__}\n"


def test_a_node_is_started_without_the_load_generator() -> None:
    """In a process of its own: here something else may have loaded it."""
    program = (
        "import sys, amqp_server.app\n"
        "from amqp_server.cli import haremq\n"
        "haremq(['version'], standalone_mode=False)\n"
        "sys.exit(sum(name.startswith('load_generator') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_help_names_every_command() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for command in ROWS:
        assert f"\n  {command} " in result.output


def test_every_command_is_where_its_entry_says() -> None:
    context = click.Context(haremq)
    for name in haremq.list_commands(context):
        command = haremq.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_one_of_a_thing_may_be_typed() -> None:
    context = click.Context(haremq)
    for one, many in ALIASES.items():
        assert haremq.get_command(context, one) is haremq.get_command(context, many)


def test_the_help_loads_no_command() -> None:
    """In a process of its own, for the same reason."""
    program = (
        "import sys\n"
        "from amqp_server.cli import haremq\n"
        "haremq(['--help'], standalone_mode=False)\n"
        "loaded = ('amqp_server.settings', 'command_line.commands', 'http.client')\n"
        "sys.exit(sum(name.startswith(loaded) for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.mark.parametrize("options", [["--zork"], ["strat"], ["queues", "lst"], ["queues", "show"]])
def test_a_wrong_command_line_is_a_status_of_its_own(options: list[str]) -> None:
    result = call(*options)
    assert result.exit_code == 64
    assert "Traceback" not in result.output
