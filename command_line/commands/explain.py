"""``haremq explain``, ``route`` and ``attention``: why a queue stands, where a message would go."""

from datetime import UTC, datetime
from typing import Any, Final

import click

from command_line.api import DEFAULT, Thing, path_of
from command_line.commands.fields import arguments_of, json_object
from command_line.leaf import argument, leaf, option
from command_line.session import Session
from command_line.table import table_lines

ATTENTION_COLUMNS: Final = ("severity", "kind", "vhost", "name", "text", "since")


@leaf(argument("queue"), shows=True)
def explain(session: Session, queue: str) -> None:
    """Say why the messages of a queue move, or what they wait for."""
    found = session.api.thing(f"{path_of('queues', session.vhost, queue)}/explain")
    if session.output.form != "table":
        session.output.thing(found)
        return
    session.output.said(f"{queue}: {found.get('text', '')}")
    counts = (found.get("messages_ready"), found.get("messages_unacknowledged"))
    session.output.said(f"{counts[0]} ready, {counts[1]} unacknowledged")
    for reason in found.get("reasons") or []:
        mark = "!" if reason.get("stops") else "-"
        session.output.said(f"  {mark} {reason.get('text', '')}")
    consumers = found.get("consumers") or []
    if consumers:
        session.output.raw("\n")
        names = [name for name in consumers[0] if not isinstance(consumers[0][name], dict | list)]
        lines = table_lines(consumers, names, has_head=True, is_cut=session.output.is_terminal)
        session.output.raw("".join(f"{line}\n" for line in lines))


@leaf(
    argument("exchange"),
    argument("routing_key"),
    option("--header", text="A header.", multiple=True, metavar="NAME=VALUE"),
    option("--properties", text='Such as {"message_id": "a"}.', metavar="JSON", default="{}"),
    shows=True,
)
def route(
    session: Session,
    exchange: str,
    routing_key: str,
    **given: Any,  # noqa: ANN401 -- of options
) -> None:
    """Say where a message would go, and why not elsewhere; nothing is published."""
    body = {
        "routing_key": routing_key,
        "headers": arguments_of(given["header"], None),
        "properties": json_object(given["properties"], "--properties"),
    }
    path = f"{path_of('exchanges', session.vhost, exchange or DEFAULT)}/route"
    found = session.api.call("POST", path, body)
    if session.output.form != "table":
        session.output.thing(found)
        return
    for queue in found.get("queues") or []:
        ways = " > ".join(map(_way, queue.get("path") or []))
        chance = " (by chance)" if queue.get("by_chance") else ""
        session.output.said(f"to {queue.get('name')}{chance}: {ways}")
    if not found.get("routed"):
        session.output.said("to no queue")
    for miss in found.get("misses") or []:
        session.output.said(
            f"not to {miss.get('destination')}: {miss.get('reason')}"
            f" (key {miss.get('routing_key') or 'none'})"
        )


def _way(way: Thing) -> str:
    key = way.get("routing_key")
    source = way.get("source") or DEFAULT
    return f"{source} [{way.get('how')}{f' {key}' if key else ''}]"


@leaf(shows=True)
def attention(session: Session) -> None:
    """List what needs a hand, worst first; the status is 0 also where there is something."""
    rows = session.api.things(path_of("attention"))
    if session.output.form == "table":
        rows = list(map(_timed, rows))
    session.output.rows(rows, ATTENTION_COLUMNS)


def _timed(row: Thing) -> Thing:
    """Return what needs a hand with its time as a text, of UTC."""
    at = datetime.fromtimestamp(row["since"] / 1000, UTC)
    return {**row, "since": at.isoformat(timespec="seconds")}


COMMANDS: Final[tuple[click.Command, ...]] = (explain, route, attention)
