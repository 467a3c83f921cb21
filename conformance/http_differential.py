"""The same calls to RabbitMQ's HTTP API and to HareMQ's: status, error and shape are compared.

    python -m conformance.http_differential --rabbitmq 15699 --haremq 15700

A shape is the fields of an answer and their JSON types. HareMQ may have more fields. Whatever else
differs has a row in ``http_differences.yaml`` with its reason, or is an error.
"""

import argparse
import base64
import http.client
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from conformance.http_calls import READS, REMOVAL, SCENE, WRITES, Call

DIFFERENCES: Final = Path(__file__).with_name("http_differences.yaml")
TIMEOUT_S: Final = 30.0
_NUMBERS: Final = frozenset({"int", "float"})


class Answer(NamedTuple):
    """What a broker answered; ``value`` is the body as JSON, or its text."""

    status: int
    value: Any
    headers: dict[str, str]


class Row(NamedTuple):
    """A difference that there is on purpose, or for a reason.

    Attributes:
        call: pattern for the call.
        difference: pattern for what differs.
        reason: why.
    """

    call: re.Pattern[str]
    difference: re.Pattern[str]
    reason: str


class Found(NamedTuple):
    """A difference that was found; without a reason it is an error."""

    call: Call
    difference: str
    reason: str | None


class Broker:
    """The HTTP API of a broker on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self.node = "none"
        self.node = self.ask(Call("GET", "overview")).value["node"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, call: Call) -> Answer:
        headers = dict(call.headers)
        if call.user is not None and "authorization" not in headers:
            name, _, password = call.user.partition(":")
            login = base64.b64encode(f"{name}:{password or name}".encode()).decode()
            headers["authorization"] = f"Basic {login}"
        body = call.body
        if body is not None:
            headers.setdefault("content-type", "application/json")
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        path = f"/api/{call.path.replace('{node}', self.node)}"
        try:
            self._connection.request(call.method, path, body, headers)
            reply = self._connection.getresponse()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection.request(call.method, path, body, headers)
            reply = self._connection.getresponse()
        raw = reply.read()
        given = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, _value(raw, self.node), given)


def _value(raw: bytes, node: str) -> object:
    text = raw.decode("utf-8", "replace").replace(node, "<node>")
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def shape_of(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a value with their types; ``[]`` stands for each of an array."""
    if isinstance(value, dict):
        yield path, "object"
        for name, held in value.items():
            yield from shape_of(held, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield path, "array"
        for held in value:
            yield from shape_of(held, f"{path}[]")
    else:
        yield path, type(value).__name__


def differences(theirs: Answer, ours: Answer) -> list[str]:
    """Return what differs, a line each."""
    found = []
    if theirs.status != ours.status:
        found.append(f"status {theirs.status} → {ours.status}")
    is_error = theirs.status >= 400
    if is_error or ours.status >= 400:
        if theirs.status == ours.status and theirs.value != ours.value:
            found.append(f"{theirs.value!r} → {ours.value!r}")
        return found
    for header in ("allow", "location"):
        before, after = theirs.headers.get(header), ours.headers.get(header)
        found += [f"{header}: {before} → {after}"] if before != after else []
    return found + _of_shapes(theirs.value, ours.value)


def _of_shapes(theirs: object, ours: object) -> list[str]:
    known, given = _types(theirs), _types(ours)
    found = []
    for path, types in sorted(known.items()):
        if path not in given:
            parent = path.rpartition(".")[0].removesuffix("[]")
            if parent in given or not parent:
                found.append(f"no {path}")
        elif not given[path] <= types | (_NUMBERS if types & _NUMBERS else set()):
            found.append(f"{path}: {'|'.join(sorted(types))} → {'|'.join(sorted(given[path]))}")
    return found


def _types(value: object) -> dict[str, set[str]]:
    types: dict[str, set[str]] = {}
    for path, kind in shape_of(value):
        types.setdefault(path, set()).add(kind)
    return types


def load_rows() -> list[Row]:
    """Return the rows of the table."""
    raw = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    return [
        Row(re.compile(row["call"]), re.compile(row["difference"]), row["reason"]) for row in raw
    ]


def compared(
    rabbitmq: Broker, haremq: Broker, calls: Iterable[Call]
) -> Iterator[tuple[Call, list[str]]]:
    """Make the calls to both; yield each with what differs."""
    for call in calls:
        yield call, differences(rabbitmq.ask(call), haremq.ask(call))


def explained(answers: Iterable[tuple[Call, list[str]]], rows: Sequence[Row]) -> Iterator[Found]:
    """Yield each difference with its reason."""
    for call, lines in answers:
        for line in lines:
            fits = [
                row for row in rows if row.call.search(str(call)) and row.difference.search(line)
            ]
            yield Found(call, line, fits[0].reason if fits else None)


def run(rabbitmq_port: int, haremq_port: int) -> tuple[int, list[Found]]:
    """Make all calls; return how many there were, and what differs."""
    calls = (*SCENE, *READS, *WRITES, *REMOVAL)
    with closing(Broker(rabbitmq_port)) as rabbitmq, closing(Broker(haremq_port)) as haremq:
        for call in REMOVAL:
            rabbitmq.ask(call)
            haremq.ask(call)
        return len(calls), list(explained(compared(rabbitmq, haremq, calls), load_rows()))


def main() -> int:
    """Print what differs; 1 where something does without a reason."""
    parser = argparse.ArgumentParser(description="Compare the HTTP APIs of two brokers.")
    parser.add_argument("--rabbitmq", type=int, required=True, help="its HTTP port")
    parser.add_argument("--haremq", type=int, required=True, help="its HTTP port")
    arguments = parser.parse_args()
    count, found = run(arguments.rabbitmq, arguments.haremq)
    errors = [each for each in found if each.reason is None]
    for each in errors:
        print(f"{each.call}\n    {each.difference}")
    for reason, number in Counter(each.reason for each in found if each.reason).most_common():
        print(f"{number:5}  {reason}")
    different = len({str(each.call) for each in found})
    print(
        f"{count} calls, {different} answered otherwise, {len(errors)} differences without a reason"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
