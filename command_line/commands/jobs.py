"""``haremq jobs``: moves and copies that go on at the node, and the last ones that are over."""

from typing import Final

import click

from command_line.api import Thing, path_of
from command_line.errors import CommandError
from command_line.leaf import group, leaf
from command_line.session import Session

ORIGIN: Final = "origin"
"""In place of a queue: for each message the one in which it died first."""

COLUMNS: Final = (
    "id",
    "vhost",
    "source",
    "dest",
    "copy",
    "user",
    "state",
    "total",
    "moved",
    "skipped",
)
GOING: Final = frozenset({"running", "paused"})
NAP_S: Final = 0.05
NAP_MAX_S: Final = 1.0


@leaf(name="list", shows=True)
def list_jobs(session: Session) -> None:
    """List jobs that go on, and the last 100 that are over: of all vhosts, or of one."""
    rows = session.api.things(path_of("jobs"))
    if session.named_vhost is not None:
        rows = [row for row in rows if row.get("vhost") == session.named_vhost]
    session.output.rows(rows, COLUMNS)


def _number() -> click.Argument:
    return click.Argument(["number"], type=click.IntRange(1))


@leaf(_number(), shows=True)
def show(session: Session, number: int) -> None:
    """Show a job, and how far it has come."""
    session.output.thing(session.api.thing(_path(number)))


@leaf(_number())
def cancel(session: Session, number: int) -> None:
    """End a job; what it has moved stays moved."""
    session.api.call("DELETE", _path(number))


@leaf(_number(), shows=True)
def pause(session: Session, number: int) -> None:
    """Have a job stand still before its next piece, until it is resumed."""
    session.output.thing(session.api.call("PUT", f"{_path(number)}/pause"))


@leaf(_number(), shows=True)
def resume(session: Session, number: int) -> None:
    """Have a job go on that stands still."""
    session.output.thing(session.api.call("PUT", f"{_path(number)}/resume"))


def _path(number: int) -> str:
    return path_of("jobs", str(number))


def wait_until_over(session: Session, job: Thing) -> Thing:
    """Wait for the end of a job, and show a person how far it has come; return it as it is then.

    Ctrl-C cancels it. What else ends the wait leaves it alone, and says so.

    Raises:
        CommandError: the node does not answer any more.
        KeyboardInterrupt: the user has enough.
    """
    nap_s = NAP_S
    try:
        while job["state"] in GOING:
            session.output.progress(told(job))
            session.surface.sleep(nap_s)
            nap_s = min(nap_s * 2, NAP_MAX_S)
            job = session.api.thing(_path(job["id"]))
    except KeyboardInterrupt:
        session.output.progress("")
        _cancel(session, job)
        raise
    except CommandError:
        session.output.progress("")
        session.note(f"{told(job)} when it was last seen; haremq jobs show {job['id']}")
        raise
    session.output.progress("")
    return job


def _cancel(session: Session, job: Thing) -> None:
    """End a job at once, and say what it has done."""
    try:
        session.api.call("DELETE", _path(job["id"]))
        session.note(told(session.api.thing(_path(job["id"]))))
    except (CommandError, KeyboardInterrupt) as error:
        session.note(f"job {job['id']} may go on: haremq jobs cancel {job['id']} ends it")
        if isinstance(error, CommandError):
            session.note(str(error))


def told(job: Thing) -> str:
    """Return a line on a job."""
    done = "copied" if job["copy"] else "moved"
    line = f"job {job['id']} {job['state']}: {job['moved']} of {job['total']} {done}"
    unmatched = job.get("unmatched", 0)
    lost = job["skipped"] - unmatched
    line = f"{line}, {unmatched} did not match" if unmatched else line
    return f"{line}, {lost} skipped" if lost else line


jobs: click.Group = group(
    "jobs",
    "Jobs that move or copy messages: list, show, pause, resume, cancel.",
    list_jobs,
    show,
    pause,
    resume,
    cancel,
)
