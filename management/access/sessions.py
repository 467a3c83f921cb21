"""Sessions of browsers: a random name in a cookie stands for a user who has logged in.

The name is made at the login and is never taken from a request, so nobody can give a victim a name
that he knows. It is forgotten at the logout, when it was idle too long, when the user changes, and
when more browsers log in than may be logged in at a time. A page of another site cannot send the
cookie (``SameSite=Strict``), and cannot set the header that every write must have.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from management.access.account import Account
from management.http.request import Request

COOKIE: Final = "haremq_session"
CSRF_HEADER: Final = "x-csrf"
"""Any value will do: a page of another site cannot set it without being asked first."""

_NAME_BYTES: Final = 32
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Session(NamedTuple):
    account: Account
    stamp: object
    used_ms: int


class Sessions:
    """The browsers that are logged in.

    Args:
        sessions_max: of them at a time.
        timeout_ms: how long one may be idle.
        new_name: returns a name nobody can guess; tests hand in their own.
    """

    def __init__(
        self,
        sessions_max: int,
        timeout_ms: int,
        new_name: Callable[[], str] = lambda: secrets.token_urlsafe(_NAME_BYTES),
    ) -> None:
        self._sessions_max = sessions_max
        self._timeout_ms = timeout_ms
        self._new_name = new_name
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, account: Account, stamp: object, now_ms: int) -> str:
        """Log a browser in.

        Args:
            account: of the user.
            stamp: the user's definition; another one ends the session.
            now_ms: the time.

        Returns:
            The name, for the cookie.
        """
        self._forget_idle(now_ms)
        name = self._new_name()
        self._sessions[name] = _Session(account, stamp, now_ms)
        if len(self._sessions) > self._sessions_max:
            self._sessions.popitem(last=False)
        return name

    def account(self, name: str, stamp_of: Callable[[str], object], now_ms: int) -> Account | None:
        """Return whose session it is, and note that it was used; None is nobody's.

        Args:
            name: from the cookie.
            stamp_of: returns the present definition of a user.
            now_ms: the time.
        """
        self._forget_idle(now_ms)
        found = self._sessions.get(name)
        if found is None:
            return None
        if stamp_of(found.account.name) != found.stamp:
            del self._sessions[name]
            return None
        self._sessions[name] = found._replace(used_ms=now_ms)
        self._sessions.move_to_end(name)
        return found.account

    def is_open(self, name: str, now_ms: int) -> bool:
        """Whether there is a session of this name; this is no use of it."""
        self._forget_idle(now_ms)
        return name in self._sessions

    def close(self, name: str) -> None:
        """Log a browser out; an unknown name is ignored."""
        self._sessions.pop(name, None)

    def _forget_idle(self, now_ms: int) -> None:
        while self._sessions:
            name, oldest = next(iter(self._sessions.items()))
            if now_ms - oldest.used_ms < self._timeout_ms:
                return
            del self._sessions[name]


def may_write(request: Request) -> bool:
    """Return whether a request with a cookie is one of our own pages, or changes nothing."""
    return request.method in _READING or request.header(CSRF_HEADER) is not None


def cookie_of(name: str, path: str, *, is_tls: bool) -> str:
    """Return the header that sets the cookie; an empty name takes it away.

    Args:
        name: of the session.
        path: below which the browser sends it.
        is_tls: whether it must never be sent in the clear.
    """
    end = "" if name else "; Max-Age=0"
    secure = "; Secure" if is_tls else ""
    return f"{COOKIE}={name}; Path={path}; HttpOnly; SameSite=Strict{secure}{end}"
