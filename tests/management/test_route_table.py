"""Every route for every role: who is let in, and with which words the others are refused.

Source: RabbitMQ 3.10, recorded answers of nine users on all routes.
"""

from collections.abc import Iterator

import pytest

from management.http.event_stream import EVENT_STREAM
from management.route_table import ROUTES
from management.routing.route import Right, Route
from tests.support.management_api import Api

NOT_USER = "Not management user"
NOT_ADMINISTRATOR = "Not administrator user"
NOT_MONITOR = "Not monitor user"
NO_VHOST = "User not authorised to access virtual host"
NO_OBJECT = "User not authorised to access object"

ROLES = {
    "admin": ("administrator", True),
    "admin-elsewhere": ("administrator", False),
    "monitor": ("monitoring", True),
    "monitor-elsewhere": ("monitoring", False),
    "policymaker": ("policymaker", True),
    "policymaker-elsewhere": ("policymaker", False),
    "manager": ("management", True),
    "manager-elsewhere": ("management", False),
    "impersonator": ("impersonator", True),
    "nobody": ("", True),
}
"""Users by name: their tag, and whether they may enter the vhost of the path."""

OWN_RIGHTS = {NO_OBJECT, "Access refused.", "Login failed"}
"""Refusals of handlers, which look at the thing itself: its owner, a right of AMQP, a password."""


def refusal(right: Right, tag: str, *, has_vhost: bool, may_enter: bool) -> str:
    """Return with which words a user is refused; empty is let in."""
    if right is Right.NOBODY:
        return ""
    if tag not in {"administrator", "monitoring", "policymaker", "management"}:
        return NOT_USER
    is_monitor = tag in {"administrator", "monitoring"}
    if right is Right.ADMINISTRATOR:
        return "" if tag == "administrator" else NOT_ADMINISTRATOR
    if right is Right.MONITORING:
        return "" if is_monitor else NOT_MONITOR
    if right is Right.POLICYMAKER:
        is_maker = tag in {"administrator", "policymaker"}
        return "" if is_maker and (may_enter or not has_vhost) else NO_OBJECT
    if not has_vhost or may_enter or (right is Right.VISIBLE_VHOST and is_monitor):
        return ""
    return NO_VHOST


@pytest.fixture(scope="module")
def crowd() -> Iterator[Api]:
    with Api() as api:
        api.broker.add_vhost("w")
        for name, (tag, may_enter) in ROLES.items():
            vhosts = ("w",) if may_enter else ()
            api.add_user(name, *((tag,) if tag else ()), vhosts=vhosts)
        yield api


def path_of(route: Route) -> str:
    """Return a path of a route: the vhost is there, and nothing else is."""
    path = route.path.replace("{vhost}", "w")
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}none{rest.partition('}')[2]}"
    return path


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_who_is_let_in(crowd: Api, route: Route) -> None:
    if route.path == "vhosts/{vhost}" and route.method == "DELETE":
        return  # The others need it; users.test_vhosts deletes one.
    body: object = None if route.method in {"GET", "DELETE"} else {}
    for name, (tag, may_enter) in ROLES.items():
        expected = refusal(route.right, tag, has_vhost="{vhost}" in route.path, may_enter=may_enter)
        reply = crowd.call(route.method, path_of(route), user=name, body=body)
        reason = reply.json.get("reason") if reply.status == 401 else ""
        if not expected and reply.status == 401:
            assert reason in OWN_RIGHTS or str(reason).startswith("ACCESS_REFUSED"), name
        else:
            assert reason == expected, (name, reply)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_nobody_and_strangers_are_not_let_in(crowd: Api, route: Route) -> None:
    if route.right is Right.NOBODY:
        return
    without = crowd.call(route.method, path_of(route), user=None)
    assert (without.status, without.body) == (401, b"")
    header = {"authorization": "Bearer x"}
    stranger = crowd.call(route.method, path_of(route), user=None, headers=header)
    assert stranger.json == {"error": "not_authorized", "reason": "Login failed"}


def test_what_is_sent_as_events_can_be_asked_for_as_events() -> None:
    told = [route for route in ROUTES if "server-sent events" in route.summary]
    assert told
    assert [route.path for route in told if route.media_type != EVENT_STREAM] == []
