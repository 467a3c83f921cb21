"""Users and their rights: what of a file is taken."""

from amqp_server.broker.access.rights import TopicPermissions
from amqp_server.broker.definitions.accounts import TopicPermissionsRow
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.row import Reading

READING = Reading(bytes)


def test_a_topic_pattern_that_is_none_allows_nothing() -> None:
    raw = {"user": "u", "vhost": "/", "exchange": "x", "write": "[", "read": "^a"}
    item = Item(raw, "d")
    expected = TopicPermissions("u", "/", "x", "(?!)", "^a")
    assert TopicPermissionsRow().read(item, READING) == expected
    (line,) = item.left_out
    assert line.startswith("d.write: '[' is not a regular expression: ")
