"""A document knows what it holds, by kind and in order."""

from amqp_server.broker.access.rights import User
from amqp_server.broker.definitions.definition import VhostDefinition
from amqp_server.broker.definitions.document import Document, Placed


def test_a_document_knows_its_definitions() -> None:
    vhost, users = VhostDefinition("v"), (User("b", ""), User("a", ""))
    placed = [Placed(f"definitions[{number}]", each) for number, each in enumerate((vhost, *users))]
    document = Document(tuple(placed), ("definitions.users: no",))
    assert document.definitions == (vhost, *users)
    assert document.of(User) == users
    assert Document().definitions == ()
