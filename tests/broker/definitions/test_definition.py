"""Definitions are sorted by what they are of, in the order in which they came."""

from amqp_server.broker.access.users import User
from amqp_server.broker.definitions.definition import (
    Definitions,
    Document,
    GlobalParameterDefinition,
    Placed,
    PolicyDefinition,
    VhostDefinition,
)
from amqp_server.broker.policies.table import Policy

POLICY = Policy("p", "", {"max-length": 1})


def test_each_definition_is_where_its_kind_is() -> None:
    ordinary, operator = PolicyDefinition("/", POLICY), PolicyDefinition("/", POLICY, True)
    users, vhost = (User("b", ""), User("a", "")), VhostDefinition("v")
    parameter = GlobalParameterDefinition("g", 1)
    assert Definitions.of([operator, *users, parameter, vhost, ordinary]) == Definitions(
        users=users,
        vhosts=(vhost,),
        global_parameters=(parameter,),
        policies=(ordinary,),
        operator_policies=(operator,),
    )


def test_a_document_knows_its_definitions() -> None:
    vhost = VhostDefinition("v")
    document = Document((Placed("definitions.vhosts[0]", vhost),), ("definitions.users: no",))
    assert document.definitions == Definitions(vhosts=(vhost,))
    assert Document().definitions == Definitions()
