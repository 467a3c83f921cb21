"""``haremq verify``: a proof of a user's settings; see ``proving``."""

import json
import os
import secrets
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import click

from amqp_server import exit_status
from amqp_server.proving.proof import (
    CUT,
    FREEZE,
    KILL,
    STOP,
    STREAM,
    ClusterFailedError,
    NoFaultError,
    Proof,
    Wish,
    prove,
)
from amqp_server.proving.summary import last_lines, summary_of
from amqp_server.settings.load import SettingsError
from amqp_server.supervising.folder import FolderError, NoEtcdError, raw_settings
from amqp_server.supervising.layout import NODES_MAX

MINUTES_MAX: Final = 10_080
SEED_BITS: Final = 31
SIGNALLED: Final = 128
"""A command that a signal ended has the status of this and its number, as in a shell."""

STATUSES: Final[Mapping[type[Exception], int]] = {
    NoFaultError: exit_status.USAGE,
    NoEtcdError: exit_status.UNAVAILABLE,
    FolderError: exit_status.DATA_DIRECTORY,
    SettingsError: exit_status.CONFIGURATION,
    ClusterFailedError: exit_status.FAILED,
    OSError: exit_status.UNAVAILABLE,
}


def _named_faults(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    """Read faults by what a user calls them, with commas between; each once."""
    if value is None:
        return ()
    names = tuple(dict.fromkeys(value.split(",")))
    known = (KILL, STOP, FREEZE, CUT)
    for name in names:
        if name not in known:
            raise click.BadParameter(f"expected {', '.join(known)} with commas, got {name!r}")
    return names


_OPTIONS: Final = (
    click.option(
        "--minutes",
        type=click.FloatRange(0, MINUTES_MAX, min_open=True),
        required=True,
        metavar="N",
        help="Begin no fault later than after so many minutes. From 10 on long faults come, too.",
    ),
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Settings for all nodes; what cannot hold is told.",
    ),
    click.option(
        "--nodes",
        "node_count",
        type=click.IntRange(1, NODES_MAX),
        default=3,
        metavar="N",
        help="How many; without, 3.",
    ),
    click.option(
        "--seed", type=click.IntRange(0), metavar="N", help="Of all draws; without, a new one."
    ),
    click.option(
        "--only", callback=_named_faults, metavar="FAULTS", help="Of kill, stop, freeze and cut."
    ),
    click.option(
        "--queue-type",
        type=click.Choice(["quorum", "classic", STREAM]),
        default="quorum",
        help="Of the queues; quorum unless named, and a stream beside them. Classic ones have the"
        " replicas of the policy; stream is streams alone.",
    ),
    click.option(
        "--rate",
        type=click.IntRange(1, 100_000),
        default=300,
        metavar="N",
        help="Publishes a second of each publisher, two to a queue; 300 unless named.",
    ),
    click.option(
        "--episode",
        type=click.IntRange(0),
        metavar="N",
        help="Play this episode of the seed alone.",
    ),
    click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="New or empty folder for the data, on the disk to be tried; it is removed at the end.",
    ),
    click.option(
        "--keep",
        "kept",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where logs and histories go if anything was wrong.",
    ),
    click.option(
        "--json", "is_json", is_flag=True, help="Print the result as JSON, and no progress."
    ),
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its options, in the order in which help shows them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("verify")
@_with_options
def verify(
    *,
    minutes: float,
    config: Path | None,
    node_count: int,
    seed: int | None,
    only: tuple[str, ...],
    queue_type: str,
    rate: int,
    episode: int | None,
    folder: Path | None,
    kept: Path | None,
    is_json: bool,
) -> None:
    """Kill, freeze and cut a throw-away cluster under load, and count what was lost.

    It runs with your settings on this machine, and touches no data of yours. The exit status is 1
    if anything that was confirmed was lost, or anything else was wrong.
    """

    def asked_for() -> Wish:
        return Wish(
            minutes,
            secrets.randbits(SEED_BITS) if seed is None else seed,
            node_count=node_count,
            only=only,
            queue_type=queue_type,
            rate_per_s=rate,
            episode=episode,
            folder=folder,
            kept=kept,
            raw=raw_settings(config),
        )

    wish, proof = _proved(asked_for, (lambda _: None) if is_json else _say)
    if is_json:
        click.echo(json.dumps(summary_of(wish, proof)))
    else:
        for line in last_lines(proof, again_text(wish, config)):
            click.echo(line)
    if not proof.is_good:
        raise SystemExit(exit_status.FAILED)
    if proof.signal is not None:
        raise SystemExit(SIGNALLED + proof.signal)


_say: Final = partial(click.echo)


def again_text(wish: Wish, config: Path | None) -> str:
    """Return the command that makes the same draws again."""
    words = ["haremq", "verify", "--minutes", f"{wish.minutes:g}", "--seed", str(wish.seed)]
    words += ["--nodes", str(wish.node_count), "--queue-type", wish.queue_type]
    words += ["--rate", str(wish.rate_per_s)]
    words += ["--only", ",".join(wish.only)] if wish.only else []
    words += ["--config", os.fspath(config)] if config is not None else []
    return shlex.join(words)


def _proved(asked_for: Callable[[], Wish], say: Callable[[str], None]) -> tuple[Wish, Proof]:
    try:
        wish = asked_for()
        if wish.kept is not None:
            wish.kept.mkdir(parents=True, exist_ok=True)
        return wish, prove(wish, say)
    except tuple(STATUSES) as error:
        status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
        _end(str(error), status)


def _end(text: str, status: int) -> NoReturn:
    for line in text.splitlines():
        click.echo(f"haremq: {line}", err=True)
    raise SystemExit(status)
