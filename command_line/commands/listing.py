"""Lists: which things, in which order, how many."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from command_line.api import Thing, path_of
from command_line.leaf import flag, leaf, option
from command_line.session import Session

LIMIT_MAX: Final = 1_000_000


def listing(
    place: str,
    columns: Sequence[str],
    text: str,
    *,
    of_vhost: str | None = None,
    is_paged: bool = True,
) -> click.Command:
    """Return the command that lists things.

    Args:
        place: path below ``/api`` of the things of all vhosts.
        columns: that are shown where the user names none.
        text: help.
        of_vhost: path of the things of one vhost, in front of its name; None: ``place`` is.
        is_paged: whether the node filters and sorts.
    """
    options = _options() if is_paged else []

    def list_things(session: Session, **given: Any) -> None:  # noqa: ANN401 -- of options
        path = path_of(*place.split("/"))
        if session.named_vhost is not None:
            path = path_of(*(of_vhost or place).split("/"), session.named_vhost)
        wanted = session.output.columns_of(columns)
        query = {"columns": ",".join(wanted)} if is_plain(session) else {}
        rows = _found(session, path, query, **given) if is_paged else session.api.things(path)
        session.output.rows(rows, columns)

    list_things.__doc__ = text
    made: Callable[..., click.Command] = leaf(*options, name="list", shows=True)
    return made(list_things)


def is_plain(session: Session) -> bool:
    """Return whether only some columns are shown, so that the node need not make the others."""
    return session.output.form in {"table", "csv"} or bool(session.output.columns_of(()))


def _options() -> list[click.Parameter]:
    return [
        option("--match", "-m", text="Only names that this pattern is found in.", metavar="REGEX"),
        option("--sort", text="Order by this field, such as messages.", metavar="FIELD"),
        flag("--reverse", text="In the opposite order."),
        option(
            "--limit",
            text="At most so many.",
            type=click.IntRange(1, LIMIT_MAX),
            metavar="N",
        ),
    ]


def _found(
    session: Session,
    path: str,
    query: dict[str, str],
    *,
    match: str | None,
    sort: str | None,
    reverse: bool,
    limit: int | None,
) -> list[Thing]:
    if sort:
        query["sort"] = sort
    if reverse:
        query["sort_reverse"] = "true"
    if match is None and limit is None:
        return session.api.things(path, **query)
    if match is not None:
        query |= {"name": match, "use_regex": "true"}
    rows: list[Thing] = []
    for page in session.api.pages(path, **query):
        rows += page
        if limit is not None and len(rows) >= limit:
            return rows[:limit]
    return rows
