"""Values as Erlang writes them, which is what the tables of RabbitMQ's tools hold."""

import json
from collections.abc import Mapping
from typing import Any, Final

from command_line.escape import escaped

INT32_MAX: Final = 2**31


def term(value: object) -> str:
    """Return a value inside a term: a text has quotes."""
    if isinstance(value, str):
        return '"' + escaped(value).replace('"', '\\"') + '"'
    if isinstance(value, Mapping):
        return (
            "[" + ",".join(f"{{{term(name)},{term(each)}}}" for name, each in value.items()) + "]"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(term, value)) + "]"
    return cell(value)


def cell(value: object) -> str:
    """Return a value as a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Term):
        return value.text
    if isinstance(value, Mapping | list):
        return term(value)
    return str(value)


def plain(value: object) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return a value as the tools' JSON has it: what is not there is an empty text."""
    if value is None:
        return ""
    if isinstance(value, Term):
        return value.json
    return value


class Term:
    """A value whose table and JSON have forms of their own.

    Attributes:
        text: of the table.
        json: of the JSON.
    """

    def __init__(self, text: str, json: object) -> None:
        self.text = text
        self.json = json


def arguments(table: Mapping[str, Any] | None) -> Term:
    """Return arguments: in JSON a list of name, type and value."""
    found = table or {}
    triples = [[name, type_of(value), value] for name, value in found.items()]
    return Term(term(found) if found else "[]", triples)


def type_of(value: object) -> str:
    """Return the name of a value's type in AMQP, as Erlang's client has it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "signedint" if -INT32_MAX <= value < INT32_MAX else "long"
    names = {float: "double", str: "longstr", dict: "table", list: "array"}
    return names.get(type(value), "void")


def atoms(names: list[str]) -> Term:
    """Return a list of names without quotes, such as tags."""
    return Term(escaped("[" + ", ".join(names) + "]"), names)


def compact(value: object) -> Term:
    """Return JSON as a text: in the tools' JSON it is one, too."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Term(escaped(text), text)
