"""``haremq logs``: the last lines of the log, and those to come."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import click

from command_line.api import Thing, path_of
from command_line.events import events
from command_line.leaf import flag, leaf, option
from command_line.session import Session

COLUMNS: Final = ("time", "severity", "source", "message")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")


@leaf(
    option(
        "--level", text="As severe as this, or more.", type=click.Choice(LEVELS), default="info"
    ),
    option("--count", "-n", text="So many lines.", type=click.IntRange(1, 2_000), default=100),
    flag("--follow", "-f", text="Go on with those that are written."),
    shows=True,
    watches=False,
)
def logs(session: Session, level: str, count: int, *, follow: bool) -> None:
    """Show the last lines of the log of a node."""
    rows = session.api.things(path_of("logs"), level=level, count=count)
    for row in rows:
        session.output.event(timed(row), COLUMNS)
    session.output.flush()
    if not follow:
        return
    after = max((row.get("number") or 0 for row in rows), default=None)
    query = {"level": level, **({} if after is None else {"after": after})}
    for row in events(session.api.lines(f"{path_of('livelog')}?{urlencode(query)}")):
        session.output.event(timed(row), COLUMNS)
        session.output.flush()


def timed(row: Thing) -> Thing:
    """Return a line of the log with its time as a text, of UTC."""
    at_ms = row.get("timestamp")
    if not isinstance(at_ms, int):
        return row
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return {**row, "time": at.isoformat(timespec="milliseconds")}
