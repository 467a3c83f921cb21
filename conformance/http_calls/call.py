"""One request of the HTTP differential, and how it is written down."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

VHOST: Final = "d"
"""The vhost of the scene."""

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


class Call(NamedTuple):
    """One request.

    Attributes:
        method, path: below ``/api/``; ``{node}`` stands for the name of the broker's node.
        user: name, or ``name:password``; None sends no credentials. The password is the name.
        body: text as it is, anything else as JSON; None is without.
        headers: besides the usual ones.
    """

    method: str
    path: str
    user: str | None = "guest"
    body: Any = None
    headers: Mapping[str, str] = {}

    def __str__(self) -> str:
        """Return the call as the page shows it."""
        who = "nobody" if self.user is None else self.user.partition(":")[0]
        body = "" if self.body is None else f" {self.body!r}"
        return f"{self.method} {self.path} as {who}{body}"


def q(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")
