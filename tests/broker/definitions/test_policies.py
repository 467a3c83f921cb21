"""Policies: what of a file is taken."""

from amqp_server.broker.definitions.definition import PolicyDefinition
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.policies import PolicyRow
from amqp_server.broker.definitions.row import Reading
from amqp_server.broker.policies.table import Policy

READING = Reading(bytes)


def test_a_policy_keeps_the_keys_of_a_plugin() -> None:
    definition = {"shards-per-node": 2, "max-length": 1}
    item = Item({"name": "p", "vhost": "/", "pattern": "", "definition": definition}, "d")
    assert PolicyRow().read(item, READING) == PolicyDefinition("/", Policy("p", "", definition))
    told = "d.definition.shards-per-node: is no policy key here: kept, without effect"
    assert item.left_out == [told]
