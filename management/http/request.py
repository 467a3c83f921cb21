"""A request, as everything above the HTTP library sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from management.http.errors import BAD_REQUEST, HttpError, bad_request

DIGITS_MAX: Final = 9
"""Of a number, if nothing else is said."""


class Query:
    """The parameters behind the question mark; the first of a name counts."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str) -> str | None:
        """Return a parameter; None if it is not there."""
        values = self._values.get(name)
        return None if values is None else values[0]

    def all(self, name: str) -> Sequence[str]:
        """Return all values of a parameter, in order."""
        return self._values.get(name, ())

    def pairs(self) -> list[tuple[str, str]]:
        """Return all names with their values, those of a name in order."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def is_true(self, name: str) -> bool:
        """Return whether a parameter is ``true``; every other value is false."""
        return self.get(name) == "true"

    def number(self, name: str, usual: int, digits_max: int = DIGITS_MAX) -> int:
        """Return a parameter that is a number of 0 or more.

        Args:
            name: of the parameter.
            usual: if it is not there.
            digits_max: more digits are no number.

        Raises:
            HttpError: 400, it is none.
        """
        text = self.get(name)
        if text is None:
            return usual
        number = whole_number(text, digits_max)
        if number is None:
            raise bad_request(f"{name}: expected a number of 0 or more")
        return number

    def __contains__(self, name: object) -> bool:
        return name in self._values


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        method: in capitals.
        path: as it came, still percent-encoded, without the query.
        query: decoded.
        headers: by names in lower case.
        body: whole.
        address: of the client; empty on a Unix socket.
        is_loopback: whether the client runs on this host.
        is_tls: whether it came over TLS.
        uid: user of the process behind a Unix socket, as the kernel says; None behind others.
    """

    method: str
    path: str
    query: Query = field(default_factory=Query)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = "127.0.0.1"
    is_loopback: bool = True
    is_tls: bool = False
    uid: int | None = None

    def header(self, name: str) -> str | None:
        """Return a header by its name in lower case; None if it is not there."""
        return self.headers.get(name)

    @property
    def media_type(self) -> str:
        """The type of the body, without its parameters; empty if it has none."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies, as they came."""
        found: dict[str, str] = {}
        for part in (self.headers.get("cookie") or "").split(";"):
            name, equals, value = part.strip().partition("=")
            if equals:
                found.setdefault(name, value)
        return found


def whole_number(text: str, digits_max: int = DIGITS_MAX) -> int | None:
    """Return a number of ASCII digits; None if the text is something else, or has more of them."""
    is_number = text.isascii() and text.isdigit() and len(text) <= digits_max
    return int(text) if is_number else None


def parsed_query(text: str) -> Query:
    """Return the parameters of a query string; ``+`` is a blank.

    Raises:
        HttpError: 400 without a body, as a percent sign is followed by no octet.
    """
    pairs = []
    for part in text.split("&") if text else ():
        name, _, value = part.partition("=")
        if not part:
            continue
        if not name:
            raise HttpError(BAD_REQUEST)
        pairs.append((_decoded(name), _decoded(value)))
    return Query(pairs)


def _decoded(text: str) -> str:
    return decoded(text.replace("+", " "))


def decoded(text: str) -> str:
    """Return a text without percent-encoding; octets that are no UTF-8 are surrogate escapes.

    Raises:
        HttpError: 400 without a body, as a percent sign is followed by no octet.
    """
    if "%" not in text:
        return text
    first, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    octets = bytearray(first)
    for part in rest:
        try:
            octets += bytes.fromhex(part[:2].decode("ascii"))
        except (ValueError, UnicodeDecodeError) as error:
            raise HttpError(BAD_REQUEST) from error
        if len(part) < 2:  # noqa: PLR2004 -- the digits of an octet
            raise HttpError(BAD_REQUEST)
        octets += part[2:]
    return octets.decode("utf-8", "surrogateescape")
