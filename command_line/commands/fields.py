"""Arguments and definitions as users type them: ``x-max-length=5``, or a JSON object."""

import json
from collections.abc import Sequence
from typing import Any

import click

from command_line import exit_status
from command_line.errors import CommandError
from command_line.leaf import option


def argument_options() -> list[click.Parameter]:
    """Return the options that name the arguments of a queue, an exchange or a binding."""
    return [
        option(
            "--argument",
            "-a",
            text="An argument; the value is JSON, or a text.",
            multiple=True,
            metavar="NAME=VALUE",
        ),
        option("--arguments", text="All of them.", metavar="JSON"),
    ]


def arguments_of(given: Sequence[str], whole: str | None) -> dict[str, Any]:
    """Return arguments as an object.

    Args:
        given: each as ``NAME=VALUE``.
        whole: a JSON object of them; None is none.

    Raises:
        CommandError: one has no ``=``, or the object is none.
    """
    found = {} if whole is None else json_object(whole, "--arguments")
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise CommandError(f"expected NAME=VALUE, not {each}", exit_status.USAGE)
        found[name] = json_or_text(value)
    return found


def json_or_text(value: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return the value of JSON, or the text itself where it is none."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def json_value(text: str, what: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return the value of JSON.

    Raises:
        CommandError: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{what}: no JSON: {error}", exit_status.DATA) from error


def json_object(text: str, what: str) -> dict[str, Any]:
    """Return an object of JSON.

    Raises:
        CommandError: it is none.
    """
    found = json_value(text, what)
    if not isinstance(found, dict):
        raise CommandError(f"{what}: expected a JSON object", exit_status.DATA)
    return found
