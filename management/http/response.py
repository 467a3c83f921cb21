"""An answer, as everything above the HTTP library makes it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from management.http.errors import CREATED, NO_CONTENT, OK, HttpError
from management.http.json_text import dumped

JSON: Final = "application/json"

Chunks: TypeAlias = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: of HTTP.
        body: whole, or in pieces that are made while they are sent.
        headers: besides the usual ones; they replace those.
        content_type: None is an answer without a body.
        is_live: whether it goes on for as long as the client stays.
    """

    status: int
    body: bytes | Chunks = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = JSON
    is_live: bool = False


def answer(value: object, status: int = OK, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with a JSON value."""
    return Response(status, dumped(value), headers or {})


def empty(status: int = NO_CONTENT, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer without a body."""
    return Response(status, b"", headers or {}, None)


def created_or_changed(*, is_new: bool) -> Response:
    """Return the answer to a PUT: 201 for a new thing, 204 for one that was there."""
    return empty(CREATED if is_new else NO_CONTENT)


def of_error(error: HttpError) -> Response:
    """Return an error as an answer."""
    if not error.error:
        return empty(error.status, error.headers)
    return answer({"error": error.error, "reason": error.reason}, error.status, error.headers)
