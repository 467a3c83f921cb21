"""Keys and headers of single events."""

from amqp_server.broker.access.rights import User
from amqp_server.broker.announcing.event_headers import announced
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
)
from amqp_server.broker.events import Event, EventKind
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import plain
from tests.support.peer import Node


def told(event: Event, node: Node | None = None) -> list[tuple[str, dict[str, object]]]:
    """Return what an event is announced as, in plain values."""
    found = announced(event, (node or Node()).broker)
    return [(key, {name: plain(each) for name, each in headers.items()}) for key, headers in found]


def saved(definition: object, node: Node | None = None) -> list[tuple[str, dict[str, object]]]:
    return told(Event(EventKind.DEFINITION_SAVED, "", "", definition=definition), node)


def forgotten(definition: object) -> list[tuple[str, dict[str, object]]]:
    return told(Event(EventKind.DEFINITION_FORGOTTEN, "", "", definition=definition))


def test_a_declare_of_what_is_there_is_not_told() -> None:
    assert told(Event(EventKind.QUEUE_DECLARED, "/", "jobs")) == []


def test_a_queue_that_is_gone_already_is_still_named() -> None:
    ((key, headers),) = told(Event(EventKind.QUEUE_CREATED, "/", "gone"))
    assert (key, headers) == ("queue.created", {"name": "gone", "vhost": "/"})


def test_an_operator_policy_comes_as_a_policy_and_goes_by_its_own_name() -> None:
    held = OperatorPolicyDefinition("/", Policy("p", ".*", {"max-length": 1}, 3, "queues"))
    ((key, headers),) = saved(held)
    assert (key, headers["priority"], headers["apply-to"]) == ("policy.set", 3, "queues")
    assert forgotten(held) == [("operator.policy.cleared", {"name": "p", "vhost": "/"})]


def test_limits_of_a_user_come_and_go() -> None:
    node = Node()
    limited = User("eve", "", limits={"max-channels": 5})
    assert [key for key, _ in saved(limited, node)] == [
        "user.created",
        "user.tags.set",
        "user.limits.set",
    ]
    node.broker.users.put(limited)
    free = User("eve", "")
    assert saved(free, node) == [("user.limits.cleared", {"name": "limits", "username": "eve"})]


def test_a_password_that_is_taken_away_is_cleared() -> None:
    node = Node()
    node.broker.users.put(User("eve", "hash"))
    assert saved(User("eve", ""), node) == [("user.password.cleared", {"name": "eve"})]


def test_parameters_have_their_component_and_no_credentials() -> None:
    ((_, shovel),) = saved(ParameterDefinition("/", "shovel", "s", {"src-uri": "amqp://a:b@c"}))
    assert shovel["value"] == {"src-uri": "amqp://c"}
    ((_, of_cluster),) = saved(GlobalParameterDefinition("g", 5))
    assert of_cluster == {"name": "g", "component": "global", "value": 5}


def test_a_value_that_no_table_holds_is_left_out() -> None:
    ((_, headers),) = saved(GlobalParameterDefinition("g", 2**70))
    assert headers == {"name": "g", "component": "global"}
