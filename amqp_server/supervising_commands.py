"""The commands of ``haremq`` that run several nodes of this machine; see ``supervising``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

import click

from amqp_server import exit_status
from amqp_server.settings.load import SettingsError
from amqp_server.settings.schema import Settings
from amqp_server.supervising.folder import FolderError, NoEtcdError, TakenPortError, raw_settings
from amqp_server.supervising.layout import NODES_MAX, LayoutError
from amqp_server.supervising.nodes import Wish, run
from persistence.data_directory import FORMAT_PATH

STATUSES: Final[Mapping[type[Exception], int]] = {
    LayoutError: exit_status.USAGE,
    NoEtcdError: exit_status.UNAVAILABLE,
    TakenPortError: exit_status.UNAVAILABLE,
    FolderError: exit_status.DATA_DIRECTORY,
    SettingsError: exit_status.CONFIGURATION,
    OSError: exit_status.DATA_DIRECTORY,
}


@click.command("dev-cluster")
@click.option(
    "--nodes",
    "nodes_count",
    type=click.IntRange(1, NODES_MAX),
    default=3,
    metavar="N",
    help="How many; without, 3.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of all data; without, one that is removed at the end, or with --keep"
    " haremq-cluster.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=5672,
    metavar="N",
    help="Port of AMQP at the first node, 5672 unless named; the others have the next ones.",
)
@click.option(
    "--keep", "keeps", is_flag=True, help="Go on with the data in the folder, and leave it."
)
@click.option("--restart", "restarts", is_flag=True, help="Start a node again that ends.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings for all nodes; names, folders and ports are laid over them.",
)
def dev_cluster(
    nodes_count: int,
    folder: Path | None,
    port: int,
    config: Path | None,
    *,
    keeps: bool,
    restarts: bool,
) -> None:
    """Run several nodes and their etcd on this machine, until Ctrl-C.

    It prints where they are. To see a failover, kill one of them.
    """

    def asked_for() -> Wish:
        others = raw_settings(config)
        return Wish(nodes_count, port, folder=folder, keeps=keeps, restarts=restarts, others=others)

    _end_with(asked_for)


def start_many(settings: Settings, config: Path | None, nodes_count: int) -> NoReturn:
    """Run nodes of a cluster that share the ports of AMQP, until SIGTERM or SIGINT.

    Args:
        settings: with the options of the command line.
        config: the file they were read from; None means the defaults.
        nodes_count: 2 or more.
    """
    data_dir = settings.broker.data_dir
    if data_dir is None:
        _end("broker.data_dir: several nodes need a folder", exit_status.CONFIGURATION)
    if (data_dir / FORMAT_PATH).exists():
        _end(
            f"data directory {data_dir}: it is of a node that is alone; `haremq move-to-etcd` puts"
            " its definitions into a cluster, `haremq migrate` its messages, and --data-dir names"
            " another folder for the nodes",
            exit_status.DATA_DIRECTORY,
        )

    def asked_for() -> Wish:
        return Wish(
            nodes_count,
            settings.net.listeners[0].port if settings.net.listeners else 0,
            folder=data_dir,
            keeps=True,
            restarts=True,
            others=raw_settings(config),
            shared=settings,
        )

    _end_with(asked_for)


def _end_with(asked_for: Callable[[], Wish]) -> NoReturn:
    try:
        was_asked = run(asked_for(), click.echo)
    except tuple(STATUSES) as error:
        status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
        _end(str(error), status)
    raise SystemExit(exit_status.OK if was_asked else exit_status.FAILED)


def _end(text: str, status: int) -> NoReturn:
    for line in text.splitlines():
        click.echo(f"haremq: {line}", err=True)
    raise SystemExit(status)
