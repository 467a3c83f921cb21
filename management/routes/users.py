"""Users: ``users``, ``users/bulk-delete`` and ``user-limits``."""

import base64
import binascii
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from amqp_server.broker.views import LimitsView, User
from management.bodies.accounts import limits_body, user_body
from management.call import Call
from management.http.body import require_keys, text_of, words_of
from management.http.errors import bad_request, not_authorised, not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.node import pages
from management.routing.route import Right, Route


async def users(call: Call) -> Response:
    """Return all users."""
    return await listed(call, _rows(user for page in pages(call.node.views.users) for user in page))


async def users_without_permissions(call: Call) -> Response:
    """Return the users that may enter no vhost."""
    views = call.node.views
    found = (user for page in pages(views.users) for user in page)
    return await listed(
        call, _rows(user for user in found if not views.permissions(user=user.name))
    )


def _rows(items: Iterator[User]) -> Rows[User]:
    return Rows(items, user_body, lambda user: user.name)


async def user(call: Call) -> Response:
    """Return a user."""
    return call.answer(user_body(_found(call)))


async def put_user(call: Call) -> Response:
    """Create a user, or replace the one of that name."""
    body = call.body()
    account = account_of_body(body)
    is_new = await call.node.command("put_user", name=call.names["user"], account=account)
    return created_or_changed(is_new=is_new is True)


def account_of_body(body: dict[str, Any]) -> dict[str, object]:
    """Return what a body says of a user, as definitions have it.

    Raises:
        HttpError: 400.
    """
    if "tags" not in body:
        raise bad_request("tags_not_present")
    if "password" in body and "password_hash" in body:
        raise bad_request("both_password_and_password_hash_are_provided")
    account: dict[str, object] = {"tags": list(words_of(body, "tags"))}
    if "password" in body:
        account["password"] = text_of(body, "password")
    if "password_hash" in body:
        stored = body["password_hash"]
        if not _is_base64(stored):
            raise bad_request(["not_base64", stored])
        account["password_hash"] = stored
        if "hashing_algorithm" in body:
            account["hashing_algorithm"] = text_of(body, "hashing_algorithm")
    return account


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


async def delete_user(call: Call) -> Response:
    """Delete a user, and close its connections."""
    if await call.node.command("delete_user", name=call.names["user"]):
        return empty()
    raise not_found()


async def bulk_delete(call: Call) -> Response:
    """Delete users in order, up to the first that does not exist."""
    body = call.body()
    require_keys(body, "users")
    names = body["users"]
    if not isinstance(names, list):
        raise bad_request("users: expected a list of names")
    for name in names:
        known = isinstance(name, str) and call.node.views.user(name) is not None
        if not known or not await call.node.command("delete_user", name=name):
            raise bad_request(["no_such_user", name])
    return empty()


async def user_limits(call: Call) -> Response:
    """Return the limits of all users that have any."""
    return await listed(call, _limits_rows(list(call.node.views.user_limits())))


async def limits_of_user(call: Call) -> Response:
    """Return the limits of a user, if it has any."""
    name = call.names["user"]
    if name != call.account.name and not call.account.is_monitor:
        raise not_authorised("User not authorised to access object")
    held = [limits for limits in call.node.views.user_limits() if limits.name == name]
    return await listed(call, _limits_rows(held))


def _limits_rows(held: list[LimitsView]) -> Rows[LimitsView]:
    body = partial(limits_body, owner="user")
    return Rows(iter(held), body, lambda limits: limits.name, is_paged=False)


async def set_user_limit(call: Call) -> Response:
    """Set a limit of a user; a negative one is none."""
    body = call.body()
    require_keys(body, "value")
    name, limit = call.names["user"], call.names["limit"]
    if call.node.views.user(name) is None:
        raise bad_request(["no_such_user", name])
    await call.node.command("set_user_limit", name=name, limit=limit, value=body["value"])
    return empty()


async def clear_user_limit(call: Call) -> Response:
    """Lift a limit of a user, whether it stands or not."""
    name, limit = call.names["user"], call.names["limit"]
    if call.node.views.user(name) is None:
        raise not_found()
    await call.node.command("clear_user_limit", name=name, limit=limit)
    return empty()


def _found(call: Call) -> User:
    """Return the user of the path.

    Raises:
        HttpError: 404.
    """
    found = call.node.views.user(call.names["user"])
    if found is None:
        raise not_found()
    return found


_ADMINISTRATOR: Final = Right.ADMINISTRATOR

ROUTES: Final = (
    Route(
        method="GET",
        path="users",
        right=_ADMINISTRATOR,
        handler=users,
        summary="All users.",
        answer="user",
        is_list=True,
    ),
    Route(
        method="GET",
        path="users/without-permissions",
        right=_ADMINISTRATOR,
        handler=users_without_permissions,
        summary="Users that may enter no vhost.",
        answer="user",
        is_list=True,
    ),
    Route(
        method="POST",
        path="users/bulk-delete",
        right=_ADMINISTRATOR,
        handler=bulk_delete,
        summary="Delete several users.",
        body="user_names",
    ),
    Route(
        method="GET",
        path="users/{user}",
        right=_ADMINISTRATOR,
        handler=user,
        summary="A user.",
        answer="user",
    ),
    Route(
        method="PUT",
        path="users/{user}",
        right=_ADMINISTRATOR,
        handler=put_user,
        summary="Create or replace a user.",
        body="user",
    ),
    Route(
        method="DELETE",
        path="users/{user}",
        right=_ADMINISTRATOR,
        handler=delete_user,
        summary="Delete a user.",
    ),
    Route(
        method="GET",
        path="user-limits",
        right=Right.USER,
        handler=user_limits,
        summary="The limits of all users.",
        answer="limits",
        is_list=True,
    ),
    Route(
        method="GET",
        path="user-limits/{user}",
        right=Right.USER,
        handler=limits_of_user,
        summary="The limits of a user.",
        answer="limits",
        is_list=True,
    ),
    Route(
        method="PUT",
        path="user-limits/{user}/{limit}",
        right=_ADMINISTRATOR,
        handler=set_user_limit,
        summary="Set max-connections or max-channels of a user.",
        body="limit",
        needs_json_type=True,
    ),
    Route(
        method="DELETE",
        path="user-limits/{user}/{limit}",
        right=_ADMINISTRATOR,
        handler=clear_user_limit,
        summary="Lift a limit of a user.",
    ),
)
