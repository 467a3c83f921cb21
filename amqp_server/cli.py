"""The command line: start a node, or ask about its settings without one.

    0   all went well
    1   the node could not start, as the log says
    2   the command line or the settings file is wrong; one line per problem

What a subcommand does not need is not loaded: asking for the version needs no event loop.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from amqp_server import __version__
from amqp_server.net.settings import ListenerSettings
from amqp_server.perf.command import perf
from amqp_server.settings.explain import explain_markdown, explain_text
from amqp_server.settings.load import SettingsError, load_settings
from amqp_server.settings.schema import Settings

EXIT_WRONG_SETTINGS: Final = 2
DEFAULT_FILE: Final = "haremq.yaml"

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="haremq", message="%(prog)s %(version)s")
def haremq() -> None:
    """HareMQ: an AMQP 0-9-1 broker that RabbitMQ's clients use unchanged."""


@haremq.command()
@click.option("--config", type=_FILE, metavar="FILE", help="Settings; without, the defaults hold.")
@click.option("--bind", metavar="ADDRESS", help="Listen here, instead of the file's listeners.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Listen on this port, instead of the file's listeners; 0 lets the system choose.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for what must survive a restart, instead of the file's; made if there is none.",
)
def start(config: Path | None, bind: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run a node until SIGTERM or SIGINT."""
    settings = _with_options(_load(config), bind, port, data_dir)
    from amqp_server.app import run  # noqa: PLC0415 -- only here is a loop needed

    raise SystemExit(run(settings))


@haremq.command("check-config")
@click.argument("file", type=_FILE, default=DEFAULT_FILE)
def check_config(file: Path) -> None:
    """Say what is wrong with a settings file (haremq.yaml unless named)."""
    _load(file)
    click.echo(f"{file}: ok")


@haremq.command("explain-config")
@click.option("--markdown", is_flag=True, help="As the page docs/SETTINGS.md.")
def explain_config(*, markdown: bool) -> None:
    """Print every settings key: type, unit, range, default and what it is for."""
    click.echo(explain_markdown() if markdown else explain_text(), nl=not markdown)


@haremq.command()
def version() -> None:
    """Print the version."""
    click.echo(f"haremq {__version__}")


haremq.add_command(perf)


def _load(file: Path | None) -> Settings:
    """Return the settings of a file, or the defaults; end with a line for each mistake."""
    if file is None:
        return Settings()
    try:
        return load_settings(file)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise SystemExit(EXIT_WRONG_SETTINGS) from error


def _with_options(
    settings: Settings, bind: str | None, port: int | None, data_dir: Path | None
) -> Settings:
    """Return the settings with what the command line says in their place."""
    if bind is not None or port is not None:
        default = ListenerSettings()
        listener = ListenerSettings(
            address=default.address if bind is None else bind,
            port=default.port if port is None else port,
        )
        settings = replace(settings, net=replace(settings.net, listeners=(listener,)))
    if data_dir is not None:
        settings = replace(settings, broker=replace(settings.broker, data_dir=data_dir))
    return settings
