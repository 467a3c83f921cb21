"""The HTTP API as calls: paths from names, JSON in and out, refusals as errors of ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, urlencode

from command_line import exit_status
from command_line.errors import CommandError, RefusedError
from command_line.transport import Answer, StreamRefusedError, Transport

Thing: TypeAlias = dict[str, Any]
"""A JSON object."""

DEFAULT: Final = "amq.default"
"""The default exchange in a path; its name is empty."""

PAGE_SIZE: Final = 500
_OK: Final = 300
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_UNAVAILABLE: Final = 503
_FAILED: Final = 500


def path_of(*segments: str) -> str:
    """Return the path of names below ``/api``; each is percent-encoded."""
    return "/api/" + "/".join(map(encoded, segments))


def encoded(name: str) -> str:
    """Return a name as a segment of a path."""
    if name in {".", ".."}:
        return name.replace(".", "%2E")
    return quote(name.encode("utf-8", "surrogateescape"), safe="")


class Api:
    """The calls to a node.

    Args:
        transport: the way to it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def shown(self) -> str:
        """The address of the node, for messages."""
        return self._transport.shown

    def answer(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a request, whatever its status is.

        Args:
            method: in capitals.
            path: see ``path_of``, with its query.
            body: sent as JSON; None is none, bytes are sent as they are.
            headers: more of them.

        Raises:
            CommandError: there is none.
        """
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        typed = {"content-type": "application/json"} if content else {}
        return self._transport.request(method, path, content, {**typed, **(headers or {})})

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 -- JSON is anything
        """Return the JSON of the answer to a request; None where it has no body.

        Raises:
            RefusedError: the node answers with an error.
            CommandError: there is no answer.
        """
        answer = self.answer(method, path, body, headers)
        if answer.status >= _OK:
            raise refusal(answer, path)
        if not answer.body:
            return None
        return decoded(answer, self.shown)

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 -- JSON is anything
        """Return what a GET answers; a parameter that is None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", f"{path}?{urlencode(given)}" if given else path)

    def thing(self, path: str, **query: object) -> Thing:
        """Return the object that a GET answers.

        Raises:
            CommandError: it is none.
        """
        found = self.get(path, **query)
        if not isinstance(found, dict):
            raise CommandError(f"{self.shown}: expected an object", exit_status.PROTOCOL)
        return found

    def things(self, path: str, **query: object) -> list[Thing]:
        """Return the list of objects that a GET answers.

        Raises:
            CommandError: it is none.
        """
        found = self.get(path, **query)
        if isinstance(found, dict) and isinstance(found.get("items"), list):
            found = found["items"]
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise CommandError(f"{self.shown}: expected a list of objects", exit_status.PROTOCOL)
        return cast("list[Thing]", found)

    def pages(self, path: str, **query: object) -> Iterator[Sequence[Thing]]:
        """Yield a list page by page."""
        number, last = 1, 1
        while number <= last:
            page = self.thing(path, page=number, page_size=PAGE_SIZE, **query)
            count = page.get("page_count")
            last = count if isinstance(count, int) else 0
            yield page.get("items") or []
            number += 1

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of an answer that goes on.

        Raises:
            RefusedError: the node answers with an error.
        """
        try:
            for line in self._transport.lines(path):
                yield line.decode("utf-8", "replace").rstrip("\r\n")
        except StreamRefusedError as error:
            raise refusal(error.answer, path) from error


def decoded(answer: Answer, shown: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return the JSON of an answer.

    Raises:
        CommandError: it is none.
    """
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        text = f"{shown} answers with what is no JSON: is it the HTTP API?"
        raise CommandError(text, exit_status.PROTOCOL) from error


def refusal(answer: Answer, path: str) -> RefusedError:
    """Return the error of an answer: its text for users, and the exit status."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    found = body if isinstance(body, dict) else {}
    kind, reason = _text(found.get("error")), _text(found.get("reason"))
    text = reason or kind or f"HTTP status {answer.status}"
    if answer.status == _UNAUTHORIZED and not found:
        text = "the name or the password is wrong"
    if answer.status == _NOT_FOUND and reason in {"", "Not Found"}:
        text = f"there is no {path.partition('?')[0].removeprefix('/api/')}"
    status = _status_of(answer.status, path, is_object=isinstance(body, dict))
    return RefusedError(text, status, answer.status, kind, reason)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _status_of(status: int, path: str, *, is_object: bool) -> int:
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return exit_status.NO_PERMISSION
    if status == _NOT_FOUND and path.startswith("/api/users/"):
        return exit_status.NO_USER
    if status == _NOT_ALLOWED:
        return exit_status.USAGE
    if status == _UNAVAILABLE:
        is_check = path.startswith(("/api/health/", "/api/healthchecks/"))
        return exit_status.UNAVAILABLE if is_check and is_object else exit_status.TEMPORARY
    return exit_status.SOFTWARE if status >= _FAILED else exit_status.DATA
