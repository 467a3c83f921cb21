"""A script: the steps of a client on several channels, as data that can be printed and shortened.

Any part of a script is a script. For that, connections and channels are opened when a step needs
them, and a settlement names a delivery by its place among the unsettled ones, not by its tag.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pamqp import base, commands

from conformance.fields import Typed

NAME_MARK = "~"
"""Stands before each name of the script; each run replaces it by its own prefix."""

OLDEST, MIDDLE, NEWEST = "oldest", "middle", "newest"
"""The place of the delivery that a step settles, among the unsettled ones of the channel."""

_EVERY_KIND: tuple[type[base.Frame], ...] = tuple(commands.INDEX_MAPPING.values())
KINDS: Mapping[str, type[base.Frame]] = {kind.name.lower(): kind for kind in _EVERY_KIND}
"""The methods by the names that steps use, such as ``basic.consumeok``."""


class Message(NamedTuple):
    """A message to publish: its body, and the properties that it has."""

    body: str
    properties: Mapping[str, Any] = {}


class Step(NamedTuple):
    """One method on one channel, or one close of a connection.

    Attributes:
        channel: letter of the connection and number of the channel, ``A1``.
        method: ``queue.declare`` and so on; ``connection.close`` ends the channel's connection.
        given: fields of the method by name; a missing field is empty, zero or false.
        messages: the messages of a ``basic.publish``, all in one write.
    """

    channel: str
    method: str
    given: Mapping[str, Any] = {}
    messages: tuple[Message, ...] = ()

    @property
    def connection(self) -> str:
        return self.channel[0]

    @property
    def number(self) -> int:
        return int(self.channel[1:])

    def __str__(self) -> str:
        words = [f"{self.channel}:", self.method]
        words += [_field(name, value) for name, value in self.given.items()]
        words += [_message(message) for message in self.messages]
        return " ".join(words).replace(NAME_MARK, "")


Script = Sequence[Step]


def show(value: object) -> str:
    """Write a value, field or table for people; only an unusual tag is shown."""
    if isinstance(value, Typed):
        return f"{show(value.value)}{'' if value.tag in 'SFA' else ':' + value.tag}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, str):
        return value if value and " " not in value else f"'{value}'"
    return str(value)


def _field(name: str, value: object) -> str:
    return name if value is True else f"{name}={show(value)}"


def _message(message: Message) -> str:
    return f"<{message.body}{' ' if message.properties else ''}{_properties(message)}>"


def _properties(message: Message) -> str:
    return " ".join(f"{name}={show(value)}" for name, value in message.properties.items())
