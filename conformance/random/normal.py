"""Writes what came as lines, without the parts that may differ between two runs.

These parts are left out: the prefix of a run's names, the time in ``x-death``, and the order of
headers to which the broker added one, because it differs between versions of RabbitMQ. Names that a
broker makes up for queues and consumers are replaced by numbers, in the order in which they came.
"""

import re
from collections.abc import Mapping
from typing import Any

from pamqp import commands

from conformance import fields
from conformance.events import Event
from conformance.fields import Typed
from conformance.random.link import News
from conformance.random.script import show

_MADE_UP = re.compile(r"amq\.(gen|ctag)-[\w-]+")
_ADDED = frozenset({"x-death", "x-delivery-count", "x-stream-offset"})
"""Headers that a broker adds; RabbitMQ then sorts the table."""

_TYPE_SINCE_313 = re.compile(r'<<"(\w+)">>')
"""A queue type in a text of 3.13; 3.10 writes it without the brackets and quotes."""

_NO_PREFETCH_310 = re.compile(r"is not set for 'queue '([^']*)' in vhost '/''")
"""A text of 3.10; 3.13 writes ``is not set for stream queue 'q' in vhost '/'``."""

_SINCE_313 = frozenset({"x-last-death-exchange", "x-last-death-queue", "x-last-death-reason"})
"""Headers of a dead letter that RabbitMQ 3.10 does not set, and 3.13 does."""


class Scribe:
    """Writes down what one run of a script saw.

    Args:
        prefix: stands before all names of the run, and is left out.
        counts: write the message counts of declare-ok and delete-ok too.
    """

    def __init__(self, prefix: str, *, counts: bool = True) -> None:
        self._prefix = prefix
        self._is_vague = () if counts else (commands.Queue.DeclareOk, commands.Queue.DeleteOk)
        self._made_up: dict[str, str] = {}

    def line(self, news: News) -> str:
        """Write one method, with its content, as a line."""
        if news.event is None:
            return news.why
        method = news.event.method
        words = [method.name.lower()]
        for name in method.attributes():
            value = getattr(method, name)
            if name.endswith("_count") and isinstance(method, self._is_vague):
                continue
            if value or name in {"delivery_tag", "message_count"}:
                words.append(name if value is True else f"{name}={show(value)}")
        if news.event.raw_properties:
            words += [f"{name}={show(value)}" for name, value in _properties(news.event).items()]
            words.append(f"<{news.event.body.decode(errors='backslashreplace')}>")
        return self.cleaned(" ".join(words))

    def cleaned(self, text: str) -> str:
        """Remove the prefix from a text, and number the names that the broker made up."""
        bare = _TYPE_SINCE_313.sub(r"\1", text.replace(self._prefix, ""))
        bare = _NO_PREFETCH_310.sub(r"is not set for stream queue '\1' in vhost '/'", bare)
        return _MADE_UP.sub(self._numbered, bare)

    def _numbered(self, found: re.Match[str]) -> str:
        name, kind = found.group(), found.group(1)
        if name not in self._made_up:
            number = 1 + sum(other.startswith(f"amq.{kind}-") for other in self._made_up)
            self._made_up[name] = f"{kind}{number}"
        return self._made_up[name]


def _properties(event: Event) -> dict[str, Any]:
    found = event.properties
    headers = found.get("headers")
    if headers is not None and not _ADDED.isdisjoint(headers):
        found["headers"] = _with_additions(headers)
    return found


def _with_additions(headers: Mapping[str, Typed]) -> dict[str, Typed]:
    kept = {key: headers[key] for key in sorted(headers) if key not in _SINCE_313}
    deaths = kept.get("x-death")
    if deaths is not None and deaths.tag == "A":
        kept["x-death"] = Typed("A", [_death(entry) for entry in deaths.value])
    return kept


def _death(entry: Typed) -> Typed:
    if entry.tag != "F":
        return entry
    timeless = {key: entry.value[key] for key in sorted(entry.value) if key != "time"}
    return fields.Typed("F", timeless)
