"""``haremq queues peek``, ``unacked``, ``tail`` and ``streams read``: messages where they are.

Nothing is taken, moved or marked.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import click

from command_line.api import DEFAULT, Thing, path_of
from command_line.commands.fields import arguments_of
from command_line.commands.messages import decoded
from command_line.events import events
from command_line.leaf import argument, flag, leaf, option
from command_line.session import Session

COLUMNS: Final = (
    "position",
    "exchange",
    "routing_key",
    "redelivered",
    "payload_bytes",
    "payload",
    "properties.headers",
)
STREAM_COLUMNS: Final = ("offset", "timestamp", "routing_key", "payload_bytes", "payload")
UNACKED_COLUMNS: Final = (
    "delivery_tag",
    "consumer_tag",
    "channel_name",
    "unacked_for_seconds",
    "payload_bytes",
)
TAIL_COLUMNS: Final = ("exchange", "routing_key", "payload_bytes", "payload")
COUNT_MAX: Final = 10_000
RATE_MAX: Final = 1_000


def filter_options() -> list[click.Parameter]:
    """Return the options that choose messages."""
    return [
        option("--text", text="Only payloads that have this text.", metavar="TEXT"),
        option("--regexp", text="Only payloads that this pattern is found in.", metavar="REGEX"),
        option("--jsonpath", text="Only payloads that this holds for: $.a > 1.", metavar="TEST"),
        option("--header", text="Only with this header.", multiple=True, metavar="NAME=VALUE"),
        option("--from-exchange", text="Only those published to it.", metavar="NAME"),
        option("--key", text="Only those with this routing key.", metavar="KEY"),
    ]


def filter_of(given: dict[str, Any]) -> dict[str, object]:
    """Take what chooses messages out of the options; return the filter of a request."""
    found = {
        "text": given.pop("text"),
        "regexp": given.pop("regexp"),
        "jsonpath": given.pop("jsonpath"),
        "exchange": given.pop("from_exchange"),
        "routing_key": given.pop("key"),
        "headers": arguments_of(given.pop("header"), None) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _count_options() -> list[click.Parameter]:
    return [
        option(
            "--count",
            "-n",
            text="At most so many.",
            type=click.IntRange(1, COUNT_MAX),
            default=10,
        ),
        option("--scan", text="Look at this many at most.", type=click.IntRange(1), default=20_000),
        option("--truncate", text="Cut payloads to so many octets.", type=click.IntRange(0)),
    ]


@leaf(
    argument("name"),
    option(
        "--from", "position", text="Behind so many messages.", type=click.IntRange(0), default=0
    ),
    flag("--unacked", text="Those that consumers hold, not those that are ready."),
    *_count_options(),
    *filter_options(),
    shows=True,
)
def peek(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Show messages of a queue where they are: nothing is taken, moved or marked."""
    wanted = filter_of(given)
    body = {
        "offset": given["position"],
        "state": "unacked" if given["unacked"] else "ready",
        **_limits(given),
    }
    _look(session, name, "peek", {**body, "filter": wanted}, COLUMNS)


@leaf(
    argument("name"),
    option(
        "--from",
        "offset",
        text="first, last, next, an offset, a time of ISO 8601, or an age such as 10m.",
        default="first",
    ),
    *_count_options(),
    *filter_options(),
    shows=True,
)
def stream(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Show messages of a stream from an offset, a time or an age on."""
    wanted = filter_of(given)
    body = {"offset": given["offset"], **_limits(given), "filter": wanted}
    _look(session, name, "stream", body, STREAM_COLUMNS)


def _limits(given: dict[str, Any]) -> dict[str, object]:
    limits = {name: given[name] for name in ("count", "scan", "truncate")}
    return {name: value for name, value in limits.items() if value is not None}


def _look(session: Session, name: str, how: str, body: Thing, columns: Sequence[str]) -> None:
    path = f"{path_of('queues', session.vhost, name)}/{how}"
    found = session.api.call("POST", path, {**body, "encoding": "auto"})
    items = [decoded(item) for item in found["items"]]
    session.output.rows(items, columns)
    if found.get("next") is not None and session.output.form == "table":
        place = found["next"].get("offset")
        session.note(f"scanned {found.get('scanned')}; there are more, from {place} on")


@leaf(argument("name"), shows=True)
def unacked(session: Session, name: str) -> None:
    """Show who holds unacked messages of a queue, and for how long."""
    path = f"{path_of('queues', session.vhost, name)}/unacked"
    session.output.rows(session.api.things(path), UNACKED_COLUMNS)


def _tail(place: str, text: str) -> click.Command:
    @leaf(
        argument("name"),
        option(
            "--rate",
            text="At most so many in a second; the others are only counted.",
            type=click.IntRange(1, RATE_MAX),
            default=100,
        ),
        option("--truncate", text="Cut payloads to so many octets.", type=click.IntRange(0)),
        option("--count", "-n", text="End after so many.", type=click.IntRange(1)),
        name="tail",
        shows=True,
        watches=False,
    )
    def tail(
        session: Session, name: str, rate: int, truncate: int | None, count: int | None
    ) -> None:
        limits = {"rate": rate, "truncate": truncate}
        query = {key: value for key, value in limits.items() if value is not None}
        path = f"{path_of(place, session.vhost, name or DEFAULT)}/tail?{urlencode(query)}"
        shown_count = 0
        for message in events(session.api.lines(path)):
            if "lost" in message:
                session.note(f"{message['lost']} more passed")
                continue
            session.output.event(decoded(message), TAIL_COLUMNS)
            session.output.flush()
            shown_count += 1
            if shown_count == count:
                return

    tail.help = text
    return tail


tail_queue: Final = _tail("queues", "Show copies of the messages that come to a queue, live.")
tail_exchange: Final = _tail(
    "exchanges", "Show copies of the messages that are published to an exchange, live."
)
