"""The headers that every answer has: caching, what a browser may do with it, and CORS."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from management.http.request import Request
from management.http.response import Response
from management.settings import ManagementSettings

_SAFE: Final[Mapping[str, str]] = {
    "cache-control": "no-cache",
    "vary": "accept, accept-encoding, origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

_EVERY_ORIGIN: Final = "*"


class Headers:
    """Puts headers on answers.

    Args:
        settings: of management; which origins may call.
    """

    def __init__(self, settings: ManagementSettings) -> None:
        self._origins = frozenset(settings.cors_allow_origins)
        self._max_age_s = settings.cors_max_age_s

    def on(self, response: Response, request: Request) -> Response:
        """Return the answer with all of its headers."""
        given = {**self._cors(request), **response.headers}
        headers = {**_SAFE, **{name.lower(): value for name, value in given.items()}}
        return replace(response, headers=headers)

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.header("origin")
        if origin is None or not self._origins & {origin, _EVERY_ORIGIN}:
            return {}
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
        }
        if origin not in self._origins:
            # Every page of the world: a cookie is not sent along.
            headers = {"Access-Control-Allow-Origin": _EVERY_ORIGIN}
        asked = request.header("access-control-request-headers")
        if request.method == "OPTIONS":
            headers |= {
                "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE, OPTIONS",
                "Access-Control-Max-Age": str(self._max_age_s),
            }
            if asked:
                headers["Access-Control-Allow-Headers"] = asked
        return headers
