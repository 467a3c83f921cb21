"""Messages that were looked at where they are, as JSON, and what a request may look for.

    position         how many messages are before it
    place            where it is: a look with it as ``place`` begins there
    fingerprint      what it is, for the routes that delete and move single messages
    offset           of a stream
    header_types     the AMQP types of the headers, by RabbitMQ's names

All else is as in an answer of ``get``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from amqp_server.broker.admin import (
    FIRST,
    LAST,
    NEXT,
    HeldPlace,
    JsonTest,
    Look,
    LookPlace,
    MessageFilter,
    OffsetKind,
    OffsetSpec,
    PathError,
    Peeked,
    age_ms,
)
from amqp_server.broker.views import Pattern, PatternError
from management.bodies.messages import shown_payload, shown_properties
from management.http.body import object_of, text_of
from management.http.errors import bad_request

STEPS_MAX: Final = 50_000
"""Steps of one search for a pattern in a payload."""

_PLACE: Final = re.compile(r"(\d{1,3})\.(\d{1,19})", re.ASCII)
_HELD_PLACE: Final = re.compile(r"(\d{1,15})\.(\d{1,5})\.(\d{1,19})", re.ASCII)
_FILTER_KEYS: Final = frozenset(
    {"text", "regexp", "headers", "exchange", "routing_key", "jsonpath"}
)
_NAMED: Final = {"first": FIRST, "last": LAST, "next": NEXT}
_OFFSET_MAX: Final = 1 << 62


def peeked_body(message: Peeked, *, as_base64: bool, is_stream: bool) -> dict[str, Any]:
    """Return a message that was looked at.

    Args:
        message: with its payload, which may be cut.
        as_base64: whether a payload that is text is base64 too.
        is_stream: whether its queue is a stream, whose places are offsets.
    """
    payload, encoding = shown_payload(message.payload, as_base64=as_base64)
    shown: dict[str, Any] = {
        "position": message.number,
        "place": place_text(message.place),
        "fingerprint": message.fingerprint,
        "redelivered": message.redelivered,
        "delivery_count": message.delivery_count,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "properties": shown_properties(message.properties),
        "header_types": message.header_types,
        "payload_bytes": message.payload_bytes,
        "payload": payload,
        "payload_encoding": encoding,
    }
    if message.expires_at_ms is not None:
        shown["expires_at"] = message.expires_at_ms
    if is_stream and isinstance(message.place, LookPlace):
        shown["offset"] = message.place.position
    if message.timestamp_ms is not None:
        shown["timestamp"] = message.timestamp_ms
    return shown


def look_body(look: Look, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer of a look around its messages."""
    next_place = None
    if look.place is not None:
        next_place = {"offset": look.number, "place": place_text(look.place)}
    return {
        "items": items,
        "scanned": look.scanned_count,
        "gave_up": look.gave_up_count,
        "total": look.total_count,
        "next": next_place,
    }


def place_text(place: LookPlace | HeldPlace) -> str:
    """Return a place as text, which the client gives back as it is."""
    return ".".join(map(str, place))


def place_of(body: Mapping[str, Any]) -> LookPlace | None:
    """Return the place among ready messages that a request names; None names none.

    Raises:
        HttpError: 400, it is none.
    """
    numbers = _numbers(body, _PLACE)
    return None if numbers is None else LookPlace(*numbers)


def held_place_of(body: Mapping[str, Any]) -> HeldPlace | None:
    """Return the place among unacked messages that a request names; None names none.

    Raises:
        HttpError: 400, it is none.
    """
    numbers = _numbers(body, _HELD_PLACE)
    return None if numbers is None else HeldPlace(*numbers)


def _numbers(body: Mapping[str, Any], form: re.Pattern[str]) -> list[int] | None:
    if body.get("place") is None:
        return None
    found = form.fullmatch(text_of(body, "place"))
    numbers = [] if found is None else list(map(int, found.groups()))
    if not numbers or max(numbers) > _OFFSET_MAX:
        raise bad_request("place: expected what an earlier answer has as place")
    return numbers


def filter_of(body: Mapping[str, Any]) -> MessageFilter:
    """Return which messages a request looks for.

    Raises:
        HttpError: 400, the filter is none.
    """
    if body.get("filter") is None:
        return MessageFilter()
    given = object_of(body, "filter")
    unknown = sorted(given.keys() - _FILTER_KEYS)
    if unknown:
        raise bad_request(f"filter: unknown key {unknown[0]}")
    pattern = None
    if "regexp" in given:
        try:
            pattern = Pattern(text_of(given, "regexp"), STEPS_MAX)
        except PatternError as error:
            raise bad_request(f"filter: regexp: {error}") from error
    path = None
    if "jsonpath" in given:
        try:
            path = JsonTest(text_of(given, "jsonpath"))
        except PathError as error:
            raise bad_request(f"filter: jsonpath: {error}") from error
    return MessageFilter(
        exchange=text_of(given, "exchange") if "exchange" in given else None,
        routing_key=text_of(given, "routing_key") if "routing_key" in given else None,
        headers=dict(object_of(given, "headers")),
        text=text_of(given, "text").encode("utf-8", "surrogateescape") if "text" in given else None,
        pattern=pattern,
        path=path,
    )


def offset_of(body: Mapping[str, Any]) -> OffsetSpec:
    """Return where in a stream a request begins; nothing is the first message.

    Raises:
        HttpError: 400, it is no offset.
    """
    value = body.get("offset", "first")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _OFFSET_MAX:
        return OffsetSpec(OffsetKind.OFFSET, value)
    if isinstance(value, str):
        if value in _NAMED:
            return _NAMED[value]
        if re.fullmatch(r"-?\d{1,18}", value):
            return OffsetSpec(OffsetKind.OFFSET, int(value))
        age = age_ms(value)
        if age is not None:
            return OffsetSpec(OffsetKind.AGE, age)
        at_ms = _time_ms(value)
        if at_ms is not None:
            return OffsetSpec(OffsetKind.TIMESTAMP, at_ms)
    raise bad_request(
        "offset: expected first, last, next, a number, an age such as 10m, or a time of ISO 8601"
    )


def _time_ms(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        whole = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return max(int(whole.timestamp() * 1000), 0)
    except (OverflowError, ValueError):
        return None
