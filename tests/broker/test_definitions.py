"""What definitions refer to must be there, in them or in the broker."""

import pytest

from amqp_server.broker.definition_item import DefinitionsError
from amqp_server.broker.definitions import (
    BindingDefinition,
    Definitions,
    ParameterDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
    check_references,
)
from amqp_server.broker.users import TopicPermissions, User, VhostPermissions

ALL = VhostPermissions("u", "v", ".*", ".*", ".*")


@pytest.mark.parametrize(
    ("definitions", "told"),
    [
        (
            Definitions(vhosts=(VhostDefinition("v"),), permissions=(ALL,)),
            "definitions.permissions[0].user: no such user 'u'",
        ),
        (
            Definitions(users=(User("u", ""),), permissions=(ALL,)),
            "definitions.permissions[0].vhost: no such vhost 'v'",
        ),
        (
            Definitions(topic_permissions=(TopicPermissions("u", "/", "x", "", ""),)),
            "definitions.topic_permissions[0].user: no such user 'u'",
        ),
        (
            Definitions(
                queues=(
                    QueueDefinition("q", "/", True, False, {}),
                    QueueDefinition("q", "v", True, False, {}),
                )
            ),
            "definitions.queues[1].vhost: no such vhost 'v'",
        ),
        (
            Definitions(bindings=(BindingDefinition("x", "v", "q", "queue", "", {}),)),
            "definitions.bindings[0].vhost: no such vhost 'v'",
        ),
        (
            Definitions(parameters=(ParameterDefinition("v", "shovel", "s", {}),)),
            "definitions.parameters[0].vhost: no such vhost 'v'",
        ),
        (
            Definitions(vhost_limits=(VhostLimitsDefinition("v", {}),)),
            "definitions.vhost_limits[0].vhost: no such vhost 'v'",
        ),
    ],
)
def test_a_missing_user_or_vhost_is_told(definitions: Definitions, told: str) -> None:
    with pytest.raises(DefinitionsError) as caught:
        check_references(definitions, users=["guest"], vhosts=["/"])
    assert str(caught.value) == told


def test_the_definitions_or_the_broker_may_have_them() -> None:
    check_references(Definitions(permissions=(ALL,)), users=["u"], vhosts=["v"])
    check_references(
        Definitions(users=(User("u", ""),), vhosts=(VhostDefinition("v"),), permissions=(ALL,)),
        users=[],
        vhosts=[],
    )
