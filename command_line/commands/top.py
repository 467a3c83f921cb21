"""``haremq top``: rates of the node and its busiest queues, again and again."""

from typing import Any, Final

import click

from command_line.api import Thing, path_of
from command_line.leaf import CLEAR, leaf, option
from command_line.session import Session
from command_line.table import table_lines, value_at

COLUMNS: Final = (
    "vhost",
    "name",
    "messages_ready",
    "messages_unacknowledged",
    "consumers",
    "in/s",
    "out/s",
    "acks/s",
)
ORDERS: Final = {
    "messages": "messages",
    "ready": "messages_ready",
    "unacked": "messages_unacknowledged",
    "in": "message_stats.publish_details.rate",
    "out": "message_stats.deliver_get_details.rate",
}
_RATES: Final = {
    "in/s": "message_stats.publish_details.rate",
    "out/s": "message_stats.deliver_get_details.rate",
    "acks/s": "message_stats.ack_details.rate",
}
_WANTED: Final = "vhost,name,messages_ready,messages_unacknowledged,consumers,message_stats"


@leaf(
    option("--sort", text="Order.", type=click.Choice(list(ORDERS)), default="in"),
    option("--rows", text="So many queues.", type=click.IntRange(1, 500), default=20),
    option(
        "--interval",
        text="Seconds between two looks.",
        type=click.FloatRange(0.2, 86_400),
        default=5.0,
    ),
    option("--looks", text="End after so many looks.", type=click.IntRange(1), default=None),
)
def top(session: Session, sort: str, rows: int, interval: float, looks: int | None) -> None:
    """Show the node and its busiest queues, live. Ctrl-C ends it."""
    count = 0
    while looks is None or count < looks:
        if count:
            session.surface.sleep(interval)
        count += 1
        overview = session.api.thing(path_of("overview"))
        page = session.api.thing(
            path_of("queues"),
            page=1,
            page_size=rows,
            sort=ORDERS[sort],
            sort_reverse="true",
            columns=_WANTED,
        )
        lines = [*head(overview), "", *queue_lines(page.get("items") or [])]
        start = CLEAR if session.output.is_terminal else ""
        session.output.raw(start + "\n".join(lines) + "\n")
        session.output.flush()


def head(overview: Thing) -> list[str]:
    """Return the lines about the node as a whole."""

    def number(path: str) -> Any:  # noqa: ANN401 -- a number
        return value_at(overview, path) or 0

    totals = "object_totals"
    return table_lines(
        [
            {"a": "node", "b": overview.get("node")},
            {
                "a": "messages",
                "b": f"{number('queue_totals.messages_ready')} ready,"
                f" {number('queue_totals.messages_unacknowledged')} unacknowledged",
            },
            {
                "a": "rates/s",
                "b": f"{number('message_stats.publish_details.rate'):.0f} in,"
                f" {number('message_stats.deliver_get_details.rate'):.0f} out,"
                f" {number('message_stats.ack_details.rate'):.0f} acks",
            },
            {
                "a": "open",
                "b": f"{number(f'{totals}.connections')} connections,"
                f" {number(f'{totals}.channels')} channels,"
                f" {number(f'{totals}.consumers')} consumers,"
                f" {number(f'{totals}.queues')} queues",
            },
        ],
        ("a", "b"),
        has_head=False,
        is_cut=True,
    )


def queue_lines(queues: list[Thing]) -> list[str]:
    """Return the table of queues."""
    rows = [
        {**queue, **{name: round(value_at(queue, path) or 0) for name, path in _RATES.items()}}
        for queue in queues
    ]
    return table_lines(rows, COLUMNS, has_head=True, is_cut=True)
