"""The commands of ``haremq`` that start a node, or answer questions about its settings without one.

``exit_status`` has the statuses they end with. For a settings file they print every mistake, a line
each. A command loads only the modules that it needs.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from amqp_server.net.settings import ListenerSettings
from amqp_server.settings.explain import explain_markdown, explain_text
from amqp_server.settings.load import SettingsError, load_settings
from amqp_server.settings.schema import Settings
from management.settings import HttpListenerSettings, MetricsListenerSettings

EXIT_CONFIGURATION: Final = 78
"""The same as in ``exit_status``. An import of that module would load the broker."""

MANAGEMENT_PORT_OFFSET: Final = 10_000
METRICS_PORT_OFFSET: Final = 10_020
PORT_MAX: Final = 65_535

DEFAULT_FILE: Final = "haremq.yaml"

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--config", type=_FILE, metavar="FILE", help="Settings; without, the defaults hold.")
@click.option("--bind", metavar="ADDRESS", help="Listen here, instead of the file's listeners.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Listen on this port, instead of the file's listeners; 0 lets the system choose."
    " Management listens 10000 above it, and metrics 10020 above it.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for what must survive a restart, instead of the file's; made if there is none.",
)
@click.option(
    "--nodes",
    "nodes_count",
    type=click.IntRange(1, 9),
    default=1,
    metavar="N",
    help="Run so many nodes of a cluster here, which share the ports of AMQP.",
)
def start(
    config: Path | None,
    bind: str | None,
    port: int | None,
    data_dir: Path | None,
    nodes_count: int,
) -> None:
    """Run a node until SIGTERM or SIGINT."""
    settings = _with_options(_load(config), bind, port, data_dir)
    if nodes_count > 1:
        from amqp_server.supervising_commands import start_many  # noqa: PLC0415 -- rarely needed

        start_many(settings, config, nodes_count)
    from amqp_server.app import run  # noqa: PLC0415 -- only here is a loop needed

    raise SystemExit(run(settings, config))


@click.command("check-config")
@click.argument("file", type=_FILE, default=DEFAULT_FILE)
def check_config(file: Path) -> None:
    """Say what is wrong with a settings file (haremq.yaml unless named), and with those it names.

    Certificates and definitions are read as a start would read them; nothing is changed. Where
    nothing is wrong, it says what a start would listen on.
    """
    settings = _load(file)
    from amqp_server import config_check  # noqa: PLC0415 -- only here is a broker needed

    _end_if_any(config_check.problems_of(settings))
    for line in config_check.listeners_of(settings):
        click.echo(line)
    click.echo(f"{file}: ok")


@click.command("explain-config")
@click.option("--markdown", is_flag=True, help="As the page docs/SETTINGS.md.")
def explain_config(*, markdown: bool) -> None:
    """Print every settings key: type, unit, range, default and what it is for."""
    click.echo(explain_markdown() if markdown else explain_text(), nl=not markdown)


@click.command("move-to-etcd")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    required=True,
    help="Folder of the node's data; it stays as it is.",
)
@click.option(
    "--etcd", "urls", metavar="URL", multiple=True, required=True, help="A member; several times."
)
@click.option("--cluster", metavar="NAME", required=True, help="Whose definitions they will be.")
@click.option("--user", metavar="NAME", default="", help="Where etcd asks for a login.")
@click.option("--password-file", type=_FILE, metavar="FILE", help="Its first line is the password.")
@click.option("--ca-file", type=_FILE, metavar="FILE", help="Whom to trust for https.")
@click.option("--certificate-file", type=_FILE, metavar="FILE", help="To show to etcd.")
@click.option("--key-file", type=_FILE, metavar="FILE", help="Of the certificate.")
@click.option(
    "--into-existing", is_flag=True, help="Also where the cluster has definitions; none is changed."
)
def move_to_etcd(
    data_dir: Path,
    urls: tuple[str, ...],
    cluster: str,
    user: str,
    password_file: Path | None,
    *,
    into_existing: bool,
    **tls_files: Path | None,
) -> None:
    """Put the definitions of a node that does not run into etcd, and read them back.

    A move that was ended before its time goes on where it was when it is called again. Nothing in
    etcd is overwritten, and the node's folder stays as it is. Messages stay there.
    """
    from amqp_server import cluster_move, exit_status  # noqa: PLC0415 -- they load the broker

    try:
        address = cluster_move.address_with(urls, user, password_file, tls_files)
        moved = cluster_move.move(data_dir, address, cluster, into_existing=into_existing)
    except cluster_move.EXPECTED_ERRORS as error:
        click.echo(f"haremq: {error}", err=True)
        raise SystemExit(cluster_move.status_of(error)) from error
    if moved.was_done:
        click.echo("this node was moved before: nothing to do")
    else:
        click.echo(f"{moved.count} definitions are in etcd, {moved.put_count} new")
    raise SystemExit(exit_status.OK)


def _load(file: Path | None) -> Settings:
    """Return the settings of a file, or the defaults; end with a line for each mistake."""
    if file is None:
        return Settings()
    try:
        return load_settings(file)
    except SettingsError as error:
        _end_if_any(error.problems)
        raise AssertionError("an error has a problem") from error


def _end_if_any(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(EXIT_CONFIGURATION)


def management_port(port: int) -> int:
    """Return the port of management beside one of AMQP, 10000 above it; 0 is the system's choice.

    Source: RabbitMQ, several nodes on one machine: 5672 and 15672, 5673 and 15673.
    """
    return _above(port, MANAGEMENT_PORT_OFFSET)


def metrics_port(port: int) -> int:
    """Return the port of the metrics beside one of AMQP, 10020 above it; see ``management_port``.

    Source: RabbitMQ: 5672 and 15692.
    """
    return _above(port, METRICS_PORT_OFFSET)


def _above(port: int, offset: int) -> int:
    above = port + offset
    return above if port and above <= PORT_MAX else 0


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
        page = HttpListenerSettings(address=listener.address, port=management_port(listener.port))
        metrics = MetricsListenerSettings(
            address=listener.address, port=metrics_port(listener.port)
        )
        section = settings.management
        settings = replace(
            settings,
            net=replace(settings.net, listeners=(listener,)),
            management=replace(
                section,
                listeners=(page,) if section.listeners else (),
                metrics_listeners=(metrics,) if section.metrics_listeners else (),
            ),
        )
    if data_dir is not None:
        settings = replace(settings, broker=replace(settings.broker, data_dir=data_dir))
    return settings
