"""Who asks: ``whoami``, and the login of a browser."""

from typing import Final

from management.access.login import Credentials
from management.access.sessions import COOKIE, cookie_of
from management.call import Call
from management.http.errors import not_authorised
from management.http.request import parsed_query
from management.http.response import Response, answer, empty
from management.routing.route import Right, Route

COOKIE_PATH: Final = "/api"


async def whoami(call: Call) -> Response:
    """Return the user's own name and tags."""
    account = call.account
    return answer({"name": account.name, "tags": list(account.tags), "is_internal_user": True})


async def log_in(call: Call) -> Response:
    """Log a browser in: a form with ``username`` and ``password``, a cookie back."""
    form = parsed_query(call.request.body.decode("utf-8", "surrogateescape"))
    logins = call.services.logins
    given = Credentials(form.get("username") or "", form.get("password") or "")
    account = await logins.check(given, call.request)
    if not account.is_user:
        raise not_authorised("Not management user")
    old = call.request.cookies.get(COOKIE)
    if old is not None:
        logins.sessions.close(old)
    node = call.node
    name = logins.sessions.open(account, node.views.user(account.name), node.now_ms())
    cookie = cookie_of(name, COOKIE_PATH, is_tls=call.request.is_tls)
    return answer("ok", headers={"Set-Cookie": cookie})


async def log_out(call: Call) -> Response:
    """Log a browser out, whoever asks: the cookie says which."""
    name = call.request.cookies.get(COOKIE)
    if name is not None:
        call.services.logins.sessions.close(name)
    cookie = cookie_of("", COOKIE_PATH, is_tls=call.request.is_tls)
    return empty(headers={"Set-Cookie": cookie})


ROUTES: Final = (
    Route(
        method="GET",
        path="whoami",
        right=Right.USER,
        handler=whoami,
        summary="The user who asks.",
        answer="whoami",
    ),
    Route(
        method="POST",
        path="login",
        right=Right.NOBODY,
        handler=log_in,
        summary="Log a browser in; the answer sets a cookie.",
        body="login",
        answer="text",
    ),
    Route(
        method="DELETE",
        path="login",
        right=Right.NOBODY,
        handler=log_out,
        summary="Log a browser out.",
        extension=True,
    ),
)
