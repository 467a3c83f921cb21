"""``haremq queues move``, ``copy`` and ``redrive``: messages to another queue, by a job.

Source: ``docs/management.md``, "Moving messages".
"""

from typing import Any, Final

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.commands.browse import filter_of, filter_options
from command_line.commands.jobs import ORIGIN, told, wait_until_over
from command_line.errors import CommandError, RefusedError
from command_line.leaf import argument, flag, leaf, option
from command_line.session import Session


def _options() -> list[click.Parameter]:
    return [
        option(
            "--count",
            "-n",
            text="Go through so many at most; without it all that are ready now.",
            type=click.IntRange(1),
        ),
        flag("--no-wait", text="Print the number of the job, and do not wait for its end."),
    ]


_SOURCE: Final = argument("source")
_DEST: Final = argument("dest")


@leaf(_SOURCE, _DEST, *_options(), shows=True, asks=True)
def move(session: Session, source: str, dest: str, *, count: int | None, no_wait: bool) -> None:
    """Move the ready messages of a queue to another one.

    They keep their order, their exchange and their routing key. Ctrl-C ends the job; what it has
    moved stays moved.
    """
    _refuse_origin(dest)
    session.agree(f"move {_ready(session, source, count)} to the queue {dest}")
    _carry_out(session, source, {"dest": dest, "count": count}, waits=not no_wait)


@leaf(_SOURCE, _DEST, *_options(), *filter_options(), shows=True, watches=False)
def copy(session: Session, source: str, dest: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Copy ready messages of a queue, or of a stream, to another queue.

    They stay where they are, too. Ctrl-C ends the job; what it has copied stays copied.
    """
    _refuse_origin(dest)
    body = {"dest": dest, "count": given["count"], "copy": True, "filter": filter_of(given)}
    _carry_out(session, source, body, waits=not given["no_wait"])


@leaf(argument("name"), *_options(), shows=True, asks=True)
def redrive(session: Session, name: str, *, count: int | None, no_wait: bool) -> None:
    """Move dead letters back, each to the queue in which it died first.

    What never died, or whose queue is gone, stays; the status is then 65. Ctrl-C ends the job.
    """
    what = _ready(session, name, count)
    session.agree(f"move {what} back to where each of them died first")
    _carry_out(session, name, {"dest": ORIGIN, "count": count}, waits=not no_wait)


def _refuse_origin(dest: str) -> None:
    """Refuse the one name of a queue that has another meaning in requests."""
    if dest == ORIGIN:
        text = f"a queue whose name is {ORIGIN} cannot be named here; queues redrive moves back"
        raise CommandError(text, exit_status.USAGE)


def _ready(session: Session, name: str, count: int | None) -> str:
    path = path_of("queues", session.vhost, name)
    ready = session.api.thing(path, columns="messages_ready").get("messages_ready", 0)
    most = ready if count is None else min(count, ready)
    return f"{most} of {ready} ready messages of the queue {name} of the vhost {session.vhost}"


def _carry_out(session: Session, source: str, body: Thing, *, waits: bool) -> None:
    """Begin a job, and wait until it is over.

    Raises:
        CommandError: it is refused, it fails or is cancelled, or messages of a move have nowhere
            to go.
    """
    path = f"{path_of('queues', session.vhost, source)}/move"
    given = {name: value for name, value in body.items() if value is not None}
    try:
        job = session.api.call("POST", path, given)
    except RefusedError:
        raise
    except (CommandError, KeyboardInterrupt):
        session.note("it is not known whether a job has begun: see haremq jobs list")
        raise
    if not waits:
        _show(session, job, str(job["id"]))
        return
    job = wait_until_over(session, job)
    _show(session, job, told(job))
    _end(job)


def _show(session: Session, job: Thing, line: str) -> None:
    """Print a line for a person, or the job where a form or fields are asked for."""
    if session.output.form == "table" and not session.output.columns_of(()):
        session.output.said(line)
    else:
        session.output.thing(job)


def _end(job: Thing) -> None:
    if job["state"] == "cancelled":
        raise CommandError(f"job {job['id']} was cancelled", exit_status.FAILED)
    if job["state"] != "done":
        raise CommandError(f"job {job['id']} failed: {job.get('error', '')}", exit_status.DATA)
    if job["skipped"] and not job["copy"]:
        text = f"{job['skipped']} messages had nowhere to go and are still in {job['source']}"
        raise CommandError(text, exit_status.DATA)
