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
        option(
            "--rate",
            text="Go through so many a second at most; without it as fast as the node can.",
            type=click.IntRange(1),
        ),
        *filter_options(),
        flag("--no-wait", text="Print the number of the job, and do not wait for its end."),
    ]


_SOURCE: Final = argument("source")
_DEST: Final = argument("dest")


@leaf(_SOURCE, _DEST, *_options(), shows=True, asks=True)
def move(session: Session, source: str, dest: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Move the ready messages of a queue to another one, all or those that match.

    They keep their order, their exchange and their routing key. Ctrl-C ends the job; what it has
    moved stays moved.
    """
    _refuse_origin(dest)
    body = {"dest": dest, **_asked(given)}
    what = f"{_which(body)}{_ready(session, source, given['count'])}"
    session.agree(f"move {what} to the queue {dest}")
    _carry_out(session, source, body, waits=not given["no_wait"])


@leaf(_SOURCE, _DEST, *_options(), shows=True, watches=False)
def copy(session: Session, source: str, dest: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Copy ready messages of a queue, or of a stream, to another queue.

    They stay where they are, too. Ctrl-C ends the job; what it has copied stays copied.
    """
    _refuse_origin(dest)
    body = {"dest": dest, "copy": True, **_asked(given)}
    _carry_out(session, source, body, waits=not given["no_wait"])


@leaf(argument("name"), *_options(), shows=True, asks=True)
def redrive(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Move dead letters back, each to the queue in which it died first, all or those that match.

    What never died, or whose queue is gone, stays; the status is then 65. Ctrl-C ends the job.
    """
    body = {"dest": ORIGIN, **_asked(given)}
    what = f"{_which(body)}{_ready(session, name, given['count'])}"
    session.agree(f"move {what} back to where each of them died first")
    _carry_out(session, name, body, waits=not given["no_wait"])


def _asked(given: dict[str, Any]) -> dict[str, object]:
    """Return how many messages to go through, how fast, and which."""
    return {"count": given["count"], "rate": given["rate"], "filter": filter_of(given) or None}


def _which(body: Thing) -> str:
    return "" if body["filter"] is None else "those that match of "


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
    lost = job["skipped"] - job.get("unmatched", 0)
    if lost and not job["copy"]:
        text = f"{lost} messages had nowhere to go and are still in {job['source']}"
        raise CommandError(text, exit_status.DATA)
