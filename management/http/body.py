"""The keys of a body: which must be there, and of which type.

Source: RabbitMQ 3.10, recorded answers. A value of a wrong type is mostly 500 there, and 400 here.
"""

from collections.abc import Mapping
from typing import Any, Final

from management.http.errors import bad_request

LINE_CHARACTERS: Final = 77
"""Erlang breaks a list of so much, and of more, into lines: it looks at the brackets too."""

VALUES_MAX: Final = 16_384
"""Values of an object, at any depth: what a field table of AMQP may have here."""

_TRUTHS: Final[Mapping[object, bool]] = {"true": True, "false": False}


def require_keys(body: Mapping[str, object], *keys: str) -> None:
    """Refuse a body without some keys, with all of them in the text.

    Raises:
        HttpError: 400 ``[{key_missing,name}]``; long texts are broken as Erlang prints a list.
    """
    missing = [f"{{key_missing,{key}}}" for key in keys if key not in body]
    if not missing:
        return
    whole = ",".join(missing)
    if len(whole) >= LINE_CHARACTERS:
        whole = ",\n ".join(missing)
    raise bad_request(f"[{whole}]")


def text_of(body: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """Return a text of a body.

    Args:
        body: of the request.
        key: of the text.
        default: where the key is not there; None makes that an error.

    Raises:
        HttpError: 400, it is no text.
    """
    value = body.get(key, default)
    if not isinstance(value, str):
        raise bad_request(f"{key}: expected a text")
    return value


def truth_of(body: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """Return a truth of a body, which may be a text.

    Raises:
        HttpError: 400 ``["not_boolean", value]``.
    """
    value = body.get(key, default)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUTHS:
        return _TRUTHS[value]
    raise bad_request(["not_boolean", value])


def words_of(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return words of a body: a list, or a text with commas between them.

    Raises:
        HttpError: 400, it is neither.
    """
    value = body.get(key, "")
    if isinstance(value, str):
        return tuple([word.strip() for word in value.split(",") if word.strip()])
    if isinstance(value, list) and all(isinstance(word, str | int | float) for word in value):
        return tuple([str(word) for word in value])
    raise bad_request(f"{key}: expected a list of words, or words with commas between them")


def object_of(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object of a body; the empty list that Erlang writes for one is empty too.

    Raises:
        HttpError: 400, it is neither, or holds a null (``null_not_allowed``).
    """
    value = body.get(key, {})
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"{key}: expected an object")
    _refuse_nulls(value)
    return value


def _refuse_nulls(value: object) -> None:
    """Refuse nulls, and more values than a field table may have: to look at them takes long."""
    waiting, count = [value], 0
    while waiting:
        held = waiting.pop()
        if held is None:
            raise bad_request("null_not_allowed")
        if isinstance(held, dict | list):
            count += len(held)
            if count > VALUES_MAX:
                raise bad_request(f"more than {VALUES_MAX} values in one object")
            waiting += held.values() if isinstance(held, dict) else held


def integer_of(body: Mapping[str, Any], key: str) -> int:
    """Return an integer of a body, which may be a text, or a number that is cut to one.

    Raises:
        HttpError: 400 ``["not_integer", value]``.
    """
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise bad_request(["not_integer", value])
    try:
        return int(value)
    except (ValueError, OverflowError) as error:
        raise bad_request(["not_integer", value]) from error


def key_text_of(body: Mapping[str, Any], key: str) -> str:
    """Return a routing key of a body: a number or a null is its text, as in RabbitMQ.

    Raises:
        HttpError: 400, it is something else.
    """
    value = body.get(key, "")
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise bad_request(f"{key}: expected a text")
