"""Views of users, rights, policies, parameters and limits."""

import pytest

from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.policies.table import Policy
from tests.support.desk import Desk


def test_users_go_by_pages() -> None:
    desk = Desk()
    for name in ("c", "a", "b"):
        desk.do("put_user", name=name, account={"password": name, "tags": ["t"]})
    desk.do("put_user", name="b", account={"tags": []})
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = desk.views.users(cursor, 2)
        names += [user.name for user in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert names == ["a", "b", "c", "guest"]
    ann = desk.views.user("a")
    assert ann is not None
    assert (ann.tags, ann.password_hash != "") == (("t",), True)
    desk.do("delete_user", name="a")
    assert desk.views.user("a") is None
    assert [user.name for user in desk.views.users().items] == ["b", "c", "guest"]


def test_rights_are_shown_by_user_and_by_vhost() -> None:
    desk = Desk()
    views = desk.views
    desk.do("put_vhost", definition=VhostDefinition("v"))
    desk.do("put_user", name="ann", account={"tags": []})
    for vhost in ("/", "v"):
        desk.do("set_permissions", user="ann", vhost=vhost, configure="", write="^w", read="")
        desk.do("set_topic_permissions", user="ann", vhost=vhost, exchange="x", write="^a", read="")
    held = [(one.user, one.vhost, one.write) for one in views.permissions(user="ann")]
    assert held == [("ann", "/", "^w"), ("ann", "v", "^w")]
    assert [one.user for one in views.permissions(vhost="/")] == ["ann", "guest"]
    assert len(views.permissions()) == 3
    (topic,) = views.topic_permissions(user="ann", vhost="v")
    assert (topic.exchange, topic.write) == ("x", "^a")
    assert (len(views.topic_permissions()), views.topic_permissions(user="guest")) == (2, ())
    assert views.may_enter("ann", "v")
    assert not views.may_enter("guest", "v")
    assert views.allows("ann", "v", "write", "wish")
    assert not views.allows("ann", "v", "read", "wish")


def test_policies_are_shown_by_layer() -> None:
    desk = Desk()
    for name, priority in (("b", 1), ("a", 2)):
        policy = Policy(name, "q", {"max-length": priority}, priority)
        desk.do("set_policy", vhost="/", policy=policy, operator=False)
    bound = Policy("bound", "q", {"max-length": 9}, 0, "queues")
    desk.do("set_policy", vhost="/", policy=bound, operator=True)
    assert [policy.name for policy in desk.views.policies("/")] == ["a", "b"]
    assert desk.views.policies("/", operator=True) == (bound,)
    assert desk.views.policy("/", "bound", operator=True) == bound
    assert desk.views.policy("/", "bound") is None
    assert desk.views.policy("none", "a") is None
    with pytest.raises(NotFoundError):
        desk.views.policies("none")


def test_parameters_are_shown_by_component_and_vhost() -> None:
    desk = Desk()
    desk.do("put_vhost", definition=VhostDefinition("v"))
    given = [
        ParameterDefinition("/", "federation", "f", 1),
        ParameterDefinition("/", "other", "s", {"a": None}),
        ParameterDefinition("v", "other", "s", []),
    ]
    for parameter in (*reversed(given), GlobalParameterDefinition("name", "hare")):
        desk.do("set_parameter", parameter=parameter)
    assert list(desk.views.parameters()) == given
    assert list(desk.views.parameters(component="other")) == given[1:]
    assert list(desk.views.parameters(component="other", vhost="v")) == given[2:]
    assert desk.views.global_parameters() == (GlobalParameterDefinition("name", "hare"),)


def test_limits_are_shown_where_there_are_any() -> None:
    desk = Desk()
    assert (desk.views.vhost_limits(), desk.views.user_limits()) == ((), ())
    desk.do("put_vhost", definition=VhostDefinition("v"))
    desk.do("set_vhost_limit", vhost="v", limit="max-queues", value=3)
    desk.do("set_user_limit", name="guest", limit="max-channels", value=4)
    assert desk.views.vhost_limits() == (("v", {"max-queues": 3}),)
    assert desk.views.user_limits() == (("guest", {"max-channels": 4}),)
