"""The program ``haremq``: all commands by name, each loaded only where a user calls it.

    node_commands       start a node, or look at its settings
    load_generator      perf
    command_line        everything that asks a running node, over its HTTP API

``exit_status`` has the statuses it ends with.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import click

from amqp_server import __version__
from command_line.catalogue import ALIASES, COMMANDS, Row

EXIT_USAGE: Final = 64
"""The same as in ``exit_status``. An import of that module would load the broker."""

NODE: Final = "Run a node"

_NODE_COMMANDS: Final[Mapping[str, Row]] = {
    "start": Row(NODE, "amqp_server.node_commands:start", "Run a node until SIGTERM or SIGINT."),
    "dev-cluster": Row(
        NODE,
        "amqp_server.supervising_commands:dev_cluster",
        "Run several nodes and their etcd on this machine.",
    ),
    "verify": Row(
        NODE,
        "amqp_server.verify_command:verify",
        "Kill, freeze and cut a throw-away cluster under load, and count what was lost.",
    ),
    "check-config": Row(
        NODE, "amqp_server.node_commands:check_config", "Say what is wrong with a settings file."
    ),
    "explain-config": Row(
        NODE, "amqp_server.node_commands:explain_config", "Print every settings key."
    ),
    "move-to-etcd": Row(
        NODE,
        "amqp_server.node_commands:move_to_etcd",
        "Put a stopped node's definitions into etcd, for a cluster.",
    ),
    "migrate": Row(
        NODE,
        "amqp_server.migrate_command:migrate_messages",
        "Move the messages of all durable queues to another broker, such as a cluster.",
    ),
    "version": Row(NODE, "amqp_server.cli:version", "Print the version."),
    "perf": Row(NODE, "load_generator.command:perf", "Put load on a broker, and measure it."),
}
ROWS: Final[Mapping[str, Row]] = {**_NODE_COMMANDS, **COMMANDS}
"""Every command by name."""


class _Commands(click.Group):
    """The commands; a wrong command line ends with a status of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        """Return the names of all commands, in order."""
        return sorted(ROWS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of this name; None: there is none."""
        row = ROWS.get(ALIASES.get(cmd_name, cmd_name))
        if row is None:
            return None
        module, _, attribute = row.place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), "the catalogue names commands"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by what they are for, without loading them."""
        for section in dict.fromkeys(row.section for row in ROWS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, row.text) for name, row in ROWS.items() if row.section == section]
                )

    def make_context(self, *args: Any, **extra: Any) -> click.Context:  # noqa: ANN401 -- click's
        """Read the options before the command."""
        with _usage_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 -- click's
        """Read the options of the command, and run it."""
        with _usage_errors():
            return super().invoke(ctx)


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise SystemExit(EXIT_USAGE) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="haremq", message="%(prog)s %(version)s")
def haremq() -> None:
    """HareMQ: an AMQP 0-9-1 broker that RabbitMQ's clients use unchanged.

    Commands that ask a running node find it by --uri or HAREMQ_URI; without, by its control socket
    or on port 15672 of this host.
    """


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"haremq {__version__}")
