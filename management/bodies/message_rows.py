"""Messages as lines of a file: CSV (RFC 4180) for spreadsheets, or JSON, one object a line.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, and skips
blanks before it. Such a text gets a quote in front of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from management.http.json_text import dumped

COLUMNS: Final = (
    "position",
    "place",
    "exchange",
    "routing_key",
    "redelivered",
    "delivery_count",
    "payload_bytes",
    "payload",
    "payload_encoding",
    "properties",
)

_MARKS: Final = '",\r\n'
"""A cell with one of these is in quotes."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_head() -> bytes:
    """Return the line with the names of the columns."""
    return _line(COLUMNS)


def csv_row(message: Mapping[str, Any]) -> bytes:
    """Return a message, as ``management.bodies.looks`` shows it."""
    return _line([_cell(message.get(name, "")) for name in COLUMNS])


def json_row(message: Mapping[str, Any]) -> bytes:
    """Return a message as JSON in a line of its own."""
    return dumped(message) + b"\n"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else dumped(value).decode()
    is_formula = text.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if is_formula else text


def _line(cells: Sequence[str]) -> bytes:
    """Return cells as a line.

    The ``csv`` of Python takes 15 ns a letter, and a payload may have 8 MiB.
    """
    text = ",".join([_quoted(cell) for cell in cells])
    return f"{text}\r\n".encode("utf-8", "replace")


def _quoted(cell: str) -> str:
    if any([mark in cell for mark in _MARKS]):
        return '"' + cell.replace('"', '""') + '"'
    return cell
