"""The arguments of streams: ages, segments, filters, and where a consumer begins.

Source: RabbitMQ 3.13, ``rabbit_stream_queue`` and ``rabbit_amqqueue``.
"""

import re
from typing import Final

from amqp_server.broker.terms import field_term, field_text
from amqp_server.wire.tables import INTEGER_KINDS, TYPE_NAMES, Field, Table
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec

SEGMENT_BYTES_MAX: Final = 3_000_000_000
FILTER_BYTES: Final = range(16, 256)

_AGE: Final = re.compile(r"\A([0-9]+)([YMDhms])\Z", re.ASCII)
_AGE_DIGITS_MAX: Final = 15
_AGE_MAX: Final = 10**_AGE_DIGITS_MAX
_UNIT_MS: Final = {
    "Y": 365 * 86_400_000,
    "M": 30 * 86_400_000,
    "D": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
}
_NAMED: Final = {"first": FIRST, "last": LAST, "next": NEXT}


def age_ms(text: str) -> int | None:
    """Return an age such as ``7D`` in ms; None if it is none, or is not above 0.

    One of more digits than anybody means is ``_AGE_MAX``.
    """
    found = _AGE.match(text)
    if found is None:
        return None
    digits = found[1].lstrip("0")
    count = int(digits or "0") if len(digits) <= _AGE_DIGITS_MAX else _AGE_MAX
    return count * _UNIT_MS[found[2]] or None


def wrong_age(field: Field, _arguments: Table) -> str | None:
    """Return what is wrong with an age; a ``Rule``."""
    if field.kind != "S":
        return f"{{unacceptable_type,{TYPE_NAMES[field.kind]}}}"
    return None if age_ms(field_text(field)) is not None else "invalid_max_age"


def offset_spec(field: Field) -> OffsetSpec | None:
    """Return where a consumer begins; None if the value says nothing of that.

    A name may be a byte array too, as in RabbitMQ; an age may not.
    """
    value = field.value
    if field.kind in {"S", "x"}:
        text = field_text(field)
        named = _NAMED.get(text)
        if named is not None:
            return named
        age = age_ms(text) if field.kind == "S" else None
        return None if age is None else OffsetSpec(OffsetKind.AGE, age)
    if field.kind == "T" and isinstance(value, int):
        return OffsetSpec(OffsetKind.TIMESTAMP, value * 1000)
    if field.kind in INTEGER_KINDS and isinstance(value, int):
        return OffsetSpec(OffsetKind.OFFSET, value)
    return None


def wrong_offset_spec(field: Field, _arguments: Table) -> str | None:
    """Return what is wrong with where a consumer begins; a ``Rule``."""
    if offset_spec(field) is not None:
        return None
    return f"{{invalid_stream_offset_arg,{{{TYPE_NAMES[field.kind]},{field_term(field)}}}}}"


def wrong_filter(field: Field, _arguments: Table) -> str | None:
    """Return what is wrong with the filter values of a consumer; a ``Rule``."""
    if field.kind in {"S", "A"}:
        return None
    return f"{{unacceptable_type,{TYPE_NAMES[field.kind]}}}"
