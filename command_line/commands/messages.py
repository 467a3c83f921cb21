"""``haremq publish`` and ``haremq get``: a message in, messages out."""

import base64
from typing import Any

import click

from command_line import exit_status
from command_line.api import DEFAULT, Thing, path_of
from command_line.commands.fields import arguments_of, json_object
from command_line.errors import CommandError
from command_line.leaf import argument, flag, leaf, option
from command_line.session import Session

COLUMNS = ("routing_key", "exchange", "redelivered", "payload_bytes", "payload", "properties")
COUNT_MAX = 100_000


@leaf(
    argument("routing_key"),
    argument("payload", required=False),
    option(
        "--exchange",
        "-e",
        text="To this exchange, not straight to a queue.",
        default="",
        metavar="NAME",
    ),
    option("--file", text="The payload is in this file; - is standard input.", metavar="FILE"),
    option("--properties", text='Such as {"priority": 5}.', metavar="JSON"),
    option("--header", text="A header.", multiple=True, metavar="NAME=VALUE"),
    flag("--transient", text="Not kept over a restart."),
    flag("--base64", "is_base64", text="The payload is Base64."),
)
def publish(session: Session, routing_key: str, payload: str | None, **given: Any) -> None:  # noqa: ANN401
    """Publish a message: to the queue of this name, or to an exchange with this routing key.

    The message is persistent unless you say --transient. Where it reaches no queue, the status is
    65.
    """
    if (payload is None) == (given["file"] is None):
        raise CommandError("give a payload, or --file", exit_status.USAGE)
    text = session.surface.read(given["file"]) if payload is None else payload
    properties = json_object(given["properties"] or "{}", "--properties")
    properties.setdefault("delivery_mode", 1 if given["transient"] else 2)
    if given["header"]:
        properties["headers"] = arguments_of(given["header"], None)
    body = {"routing_key": routing_key, "properties": properties, "payload": text}
    body["payload_encoding"] = "base64" if given["is_base64"] else "string"
    path = path_of("exchanges", session.vhost, given["exchange"] or DEFAULT)
    answer = session.api.call("POST", f"{path}/publish", body)
    if not (isinstance(answer, dict) and answer.get("routed")):
        raise CommandError("the message reached no queue", exit_status.DATA)


@leaf(
    argument("queue"),
    option("--count", "-n", text="At most so many.", type=click.IntRange(1, COUNT_MAX), default=1),
    flag("--ack", text="Take them out of the queue."),
    shows=True,
    asks=True,
)
def get(session: Session, queue: str, count: int, *, ack: bool) -> None:
    """Get messages as a client would, and give them back: they are then marked as redelivered.

    queues peek shows them without that mark.
    """
    if ack:
        session.agree(f"take up to {count} messages out of the queue {queue}")
    mode = "ack_requeue_false" if ack else "ack_requeue_true"
    body = {"count": count, "ackmode": mode, "encoding": "auto"}
    rows = session.api.call("POST", f"{path_of('queues', session.vhost, queue)}/get", body)
    session.output.rows([decoded(row) for row in rows or []], COLUMNS)


def decoded(row: Thing) -> Thing:
    """Return a message whose payload is readable where it can be, also where it came as Base64."""
    if row.get("payload_encoding") != "base64" or not isinstance(row.get("payload"), str):
        return row
    try:
        text = base64.b64decode(row["payload"], validate=True).decode("utf-8")
    except ValueError:
        return row
    return {**row, "payload": text, "payload_encoding": "string"}
