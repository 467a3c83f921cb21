"""Rights of users: ``permissions`` and ``topic-permissions``, by user, by vhost, and all."""

from collections.abc import Iterable
from typing import Any, Final

from amqp_server.broker.views import (
    PatternError,
    TopicPermissions,
    VhostPermissions,
    compile_pattern,
)
from management.bodies.accounts import permissions_body, routing_permissions_body
from management.call import Call
from management.http.body import require_keys, text_of
from management.http.errors import bad_request, not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route

# ── rights in vhosts ──


async def permissions(call: Call) -> Response:
    """Return the rights of all users, or those of the user or vhost of the path."""
    user, vhost = _subject(call)
    return await listed(call, _rows(call.node.views.permissions(user=user, vhost=vhost)))


def _rows(held: Iterable[VhostPermissions]) -> Rows[VhostPermissions]:
    in_order = sorted(held, key=lambda one: (one.vhost, one.user))
    return Rows(iter(in_order), permissions_body, lambda one: one.user, is_paged=False)


async def permissions_in_vhost(call: Call) -> Response:
    """Return the rights of a user in a vhost."""
    held = call.node.views.permissions(user=call.names["user"], vhost=call.vhost)
    if not held:
        raise not_found()
    return call.answer(permissions_body(held[0]))


async def set_permissions(call: Call) -> Response:
    """Give a user rights in a vhost, by patterns."""
    body = call.body()
    require_keys(body, "configure", "write", "read")
    _check_both(call)
    patterns = {name: _pattern(body, name) for name in ("configure", "write", "read")}
    user = call.names["user"]
    is_new = await call.node.command("set_permissions", user=user, vhost=call.vhost, **patterns)
    return created_or_changed(is_new=is_new is True)


async def clear_permissions(call: Call) -> Response:
    """Take a user's rights in a vhost away."""
    user = call.names["user"]
    if await call.node.command("clear_permissions", user=user, vhost=call.vhost):
        return empty()
    raise not_found()


# ── routing keys ──


async def routing_permissions(call: Call) -> Response:
    """Return the rights on routing keys of all users, or of the user or vhost of the path."""
    user, vhost = _subject(call)
    return await listed(
        call, _routing_rows(call.node.views.topic_permissions(user=user, vhost=vhost))
    )


async def routing_permissions_in_vhost(call: Call) -> Response:
    """Return the rights of a user on routing keys in a vhost."""
    held = call.node.views.topic_permissions(user=call.names["user"], vhost=call.vhost)
    if not held:
        raise not_found()
    return await listed(call, _routing_rows(held))


def _routing_rows(held: Iterable[TopicPermissions]) -> Rows[TopicPermissions]:
    in_order = sorted(held, key=lambda one: (one.vhost, one.user, one.exchange))
    return Rows(iter(in_order), routing_permissions_body, lambda one: one.user, is_paged=False)


async def set_routing_permissions(call: Call) -> Response:
    """Restrict the routing keys of a user at an exchange, by patterns."""
    body = call.body()
    require_keys(body, "exchange", "write", "read")
    _check_both(call)
    patterns = {name: _pattern(body, name) for name in ("write", "read")}
    is_new = await call.node.command(
        "set_topic_permissions",
        user=call.names["user"],
        vhost=call.vhost,
        exchange=text_of(body, "exchange"),
        **patterns,
    )
    return created_or_changed(is_new=is_new is True)


async def clear_routing_permissions(call: Call) -> Response:
    """Lift the restrictions of a user, at one exchange or at all."""
    user, exchange = call.names["user"], call.names.get("exchange")
    if not call.node.views.topic_permissions(user=user, vhost=call.vhost):
        raise not_found()
    await call.node.command(
        "clear_topic_permissions", user=user, vhost=call.vhost, exchange=exchange
    )
    return empty()


def _subject(call: Call) -> tuple[str | None, str | None]:
    """Return user and vhost of the path, None where it has none.

    Raises:
        HttpError: 404, there is no such user or vhost.
    """
    user, vhost = call.names.get("user"), call.names.get("vhost")
    if user is not None and call.node.views.user(user) is None:
        raise not_found()
    if vhost is not None and not call.node.has_vhost(vhost):
        raise not_found()
    return user, vhost


def _check_both(call: Call) -> None:
    """Refuse rights of nobody, or in no vhost.

    Raises:
        HttpError: 400.
    """
    if call.node.views.user(call.names["user"]) is None or not call.node.has_vhost(call.vhost):
        raise bad_request("vhost_or_user_not_found")


def _pattern(body: dict[str, Any], name: str) -> str:
    """Return a pattern of a body.

    Raises:
        HttpError: 400, it is no regular expression.
    """
    text = text_of(body, name)
    try:
        compile_pattern(text)
    except PatternError as error:
        raise bad_request(["invalid_regexp", text, [error.reason, error.position]]) from error
    return text


def _routes(what: str, path: str, handler: Any, shape: str) -> tuple[Route, ...]:  # noqa: ANN401
    """Return the rows of a list: all, of a user, of a vhost."""
    return tuple(
        [
            Route(
                method="GET",
                path=each,
                right=Right.ADMINISTRATOR,
                handler=handler,
                summary=f"{what}, {of_whom}.",
                answer=shape,
                is_list=True,
            )
            for each, of_whom in (
                (path, "of all users"),
                (f"users/{{user}}/{path}", "of a user"),
                (f"vhosts/{{vhost}}/{path}", "in a vhost"),
            )
        ]
    )


ROUTES: Final = (
    *_routes("Rights in vhosts", "permissions", permissions, "permissions"),
    *_routes(
        "Rights on routing keys", "topic-permissions", routing_permissions, "topic_permissions"
    ),
    Route(
        method="GET",
        path="permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=permissions_in_vhost,
        summary="The rights of a user in a vhost.",
        answer="permissions",
    ),
    Route(
        method="PUT",
        path="permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=set_permissions,
        summary="Give a user rights in a vhost.",
        body="permissions",
    ),
    Route(
        method="DELETE",
        path="permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=clear_permissions,
        summary="Take the rights of a user in a vhost away.",
    ),
    Route(
        method="GET",
        path="topic-permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=routing_permissions_in_vhost,
        summary="The rights of a user on routing keys in a vhost.",
        answer="topic_permissions",
        is_list=True,
    ),
    Route(
        method="PUT",
        path="topic-permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=set_routing_permissions,
        summary="Restrict the routing keys of a user at an exchange.",
        body="topic_permissions",
    ),
    Route(
        method="DELETE",
        path="topic-permissions/{vhost}/{user}",
        right=Right.ADMINISTRATOR,
        handler=clear_routing_permissions,
        summary="Lift all restrictions of a user in a vhost.",
    ),
    Route(
        method="DELETE",
        path="topic-permissions/{vhost}/{user}/{exchange}",
        right=Right.ADMINISTRATOR,
        handler=clear_routing_permissions,
        summary="Lift the restriction of a user at an exchange.",
    ),
)
