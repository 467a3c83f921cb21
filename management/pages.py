"""Files of the web UI as answers: gzipped for a client that takes it, 304 for one that has them."""

from collections.abc import Mapping
from typing import Final

from management.http.errors import OK
from management.http.request import Request
from management.http.response import Response, empty
from management.web_ui import WebUi

NOT_MODIFIED: Final = 304


class Pages:
    """Answers requests for files of the web UI.

    Args:
        web_ui: has the files.
    """

    def __init__(self, web_ui: WebUi) -> None:
        self._web_ui = web_ui

    def __call__(self, request: Request) -> Response | None:
        """Return a file as an answer; None if there is none of this path."""
        found = self._web_ui.file(request.path.strip("/"))
        if found is None or request.method not in {"GET", "HEAD"}:
            return None
        headers: Mapping[str, str] = found.headers
        if request.header("if-none-match") == headers.get("etag"):
            return empty(NOT_MODIFIED, headers)
        rest = {name: value for name, value in headers.items() if name != "content-type"}
        if "gzip" in (request.header("accept-encoding") or ""):
            rest["content-encoding"] = "gzip"
            return Response(OK, found.gzipped, rest, headers["content-type"])
        return Response(OK, found.body, rest, headers["content-type"])
