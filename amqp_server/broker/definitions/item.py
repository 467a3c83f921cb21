"""Reading one item of a definitions file: values by name, each of its type, errors with the path.

    definitions.queues[3].name: expected a string, got 5

JSON says less than AMQP: integers become ``l``, floats ``d``, strings ``S``, booleans ``t``,
objects ``F``, arrays ``A``, null ``V`` (RabbitMQ, rabbit_misc:to_amqp_table).
"""

import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from amqp_server.broker.arguments.rules import SHORTSTR_MAX_BYTES
from amqp_server.broker.errors import BrokerError
from amqp_server.wire.tables import DEPTH_MAX, Field, Table
from exchanges.errors import ExchangeError

_INT64: Final = range(-(1 << 63), 1 << 63)


class DefinitionsError(BrokerError):
    """A definitions file, or an item of it, cannot be taken; the path is in front."""


class Item:
    """One JSON object in a definitions file, and where it is.

    Attributes:
        path: see above.
        left_out: what of it is not taken, a line each, where the rest of it is.
    """

    def __init__(self, raw: object, path: str) -> None:
        """Take an object.

        Raises:
            DefinitionsError: it is none.
        """
        self.path = path
        self.left_out: list[str] = []
        if not isinstance(raw, Mapping):
            raise wrong(path, "an object", raw)
        self._raw: Mapping[str, object] = raw

    def items(self, name: str) -> Iterator[tuple[str, object]]:
        """Return what is in a list, each with its path; nothing where the list is missing.

        The list may be long: a path is written when its item is looked at.

        Raises:
            DefinitionsError: there is no list.
        """
        path, listed = f"{self.path}.{name}", self._list(name)
        return ((f"{path}[{index}]", raw) for index, raw in enumerate(listed))

    def has_any(self, name: str) -> bool:
        """Whether there is something in a list, or something else where a list should be."""
        return self._raw.get(name) not in (None, [])

    def leave_out(self, name: str, why: str) -> None:
        """Note that a value is not taken; the path of the item is put in front."""
        self.left_out.append(f"{self.path}.{name}: {why}")

    def has(self, name: str) -> bool:
        """Whether there is a value; null and RabbitMQ's ``undefined`` are none."""
        value = self._raw.get(name)
        return value is not None and value != "undefined"

    def raw(self, name: str) -> object:
        """Return a value as it is; None where there is none."""
        return self._raw.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; ``default`` where it is missing, None is must be there."""
        value = self._raw.get(name, default)
        if value is None and name not in self._raw:
            raise DefinitionsError(f"{self.path}.{name}: must be given")
        if not isinstance(value, str):
            raise wrong(f"{self.path}.{name}", "a string", value)
        _octets(value, f"{self.path}.{name}")
        return value

    def name(self, name: str, default: str | None = None) -> str:
        """Return a string that fits a frame where names do: at most 255 octets."""
        value = self.text(name, default)
        if len(_octets(value, self.path)) > SHORTSTR_MAX_BYTES:
            raise DefinitionsError(
                f"{self.path}.{name}: is longer than {SHORTSTR_MAX_BYTES} octets"
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._raw.get(name, default)
        if not isinstance(value, bool):
            raise wrong(f"{self.path}.{name}", "true or false", value)
        return value

    def integer(self, name: str, default: int) -> int:
        """Return an integer."""
        value = self._raw.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(f"{self.path}.{name}", "an integer", value)
        return value

    def mapping(self, name: str) -> Mapping[str, object]:
        """Return an object; empty where it is missing, or the empty list Erlang writes for it."""
        value = self._raw.get(name)
        if value is None or value == []:
            return {}
        if not isinstance(value, Mapping):
            raise wrong(f"{self.path}.{name}", "an object", value)
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of strings, or the words of a string with commas; empty if missing."""
        value = self._raw.get(name)
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",")]
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise wrong(f"{self.path}.{name}", "a list of strings", value)
        return tuple([word for word in value if word])

    def table(self, name: str) -> Table:
        """Return an object as a field table."""
        return typed_table(self.mapping(name), f"{self.path}.{name}")

    def wrong(self, text: str) -> DefinitionsError:
        """Return an error about the whole item."""
        return DefinitionsError(f"{self.path}: {text}")

    def _list(self, name: str) -> list[object]:
        value = self._raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise wrong(f"{self.path}.{name}", "a list", value)
        return value


@contextmanager
def checking(item: Item) -> Iterator[None]:
    """Put the path of an item before whatever the broker has to say about it."""
    try:
        yield
    except DefinitionsError:
        raise
    except (BrokerError, ExchangeError, UnicodeError) as error:
        raise item.wrong(str(error)) from error


def typed_table(value: Mapping[str, object], path: str) -> Table:
    """Return an object as a field table: integers of 64 bits, doubles and long strings.

    Args:
        value: as JSON has it.
        path: of the object, for errors.

    Raises:
        DefinitionsError: a field table cannot hold it.
    """
    return {_key(key, path): _field(raw, f"{path}.{key}", 1) for key, raw in value.items()}


def json_of(field: Field) -> object:
    """Return a field as JSON has it; what JSON cannot tell apart, it does not.

    Octets that are no text keep their value as lone surrogates, which ``json`` writes escaped.
    """
    match field.value:
        case dict():
            return json_table(field.value)
        case list():
            return [json_of(inner) for inner in field.value]
        case bytes():
            return field.value.decode("utf-8", "surrogateescape")
        case (scale, unscaled):
            return unscaled / 10**scale
        case value:
            return value


def json_table(table: Table) -> dict[str, object]:
    """Return a table as JSON has it."""
    return {key: json_of(field) for key, field in table.items()}


def wrong(path: str, expected: str, value: object) -> DefinitionsError:
    """Return the error of a value that is not what it should be."""
    return DefinitionsError(f"{path}: expected {expected}, got {reprlib.repr(value)}")


def _field(raw: object, path: str, depth: int) -> Field:
    if depth > DEPTH_MAX:
        raise DefinitionsError(f"{path}: is nested deeper than {DEPTH_MAX}")
    match raw:
        case None:
            return Field("V", None)
        case bool():
            return Field("t", raw)
        case int():
            if raw not in _INT64:
                raise wrong(path, "a 64-bit integer", raw)
            return Field("l", raw)
        case float():
            return Field("d", raw)
        case str():
            return Field("S", _octets(raw, path))
        case list():
            return Field(
                "A",
                [_field(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(raw)],
            )
        case dict():
            return Field(
                "F",
                {
                    _key(key, path): _field(inner, f"{path}.{key}", depth + 1)
                    for key, inner in raw.items()
                },
            )
        case _:
            raise wrong(path, "a JSON value", raw)


def _key(key: object, path: str) -> str:
    if not isinstance(key, str) or len(_octets(key, path)) > SHORTSTR_MAX_BYTES:
        raise wrong(path, f"keys of at most {SHORTSTR_MAX_BYTES} octets", key)
    return key


def _octets(text: str, path: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise wrong(path, "text", text) from error
