"""Metrics of channels, connections and exchanges: their labels are nobody else's."""

from amqp_server.broker.views import ChannelCounts, ChannelView, ConnectionView, ExchangeView
from management.metrics import connections
from management.metrics.family import RABBITMQ, Group
from management.metrics.text import written
from tests.support.scrapes import parsed

CONNECTION = ConnectionView(
    name="a -> b",
    vhost="/",
    username="guest",
    protocol="AMQP 0-9-1",
    host="b",
    port=1,
    peer_host="a",
    peer_port=2,
    tls_version=None,
    tls_cipher=None,
    certificate_subject=None,
    certificate_issuer=None,
    certificate_validity=None,
    heartbeat_s=0,
    channels_open=3,
    received_bytes=4,
    received_count=5,
    sent_bytes=6,
    sent_count=7,
)
CHANNEL = ChannelView(17, 2, "v", "guest", False, False, 9, 0, 1, 0, 0, ChannelCounts(published=8))


def test_two_connections_of_one_name_are_two() -> None:
    views = [CONNECTION._replace(number=number, unsent_bytes=number) for number in range(2)]
    items = [connections.connection_item(view) for view in views]
    families = (*connections.CONNECTION_COARSE, *connections.CONNECTION)
    scraped = parsed("".join(written(Group(families, items), RABBITMQ)))
    name = "rabbitmq_connection_"
    assert scraped.values(f"{name}incoming_bytes_total", channel="a -> b") == [4, 4]
    assert scraped.value(f"{name}pending_packets", connection="0") == 0
    assert scraped.value(f"{name}pending_packets", connection="1") == 1


def test_a_channel_has_its_name_and_the_number_of_its_connection() -> None:
    item = connections.channel_item(CHANNEL, CONNECTION.name)
    assert item[0] == '{channel="a -> b (2)",connection="17"}'
    assert connections.key_with_vhost(item) == '{channel="a -> b (2)",connection="17",vhost="v"}'
    scraped = parsed("".join(written(Group(connections.CHANNEL_EXCHANGE, [item]), RABBITMQ)))
    assert scraped.value("rabbitmq_channel_messages_published_total", connection="17") == 8


def test_an_exchange_may_be_shown_with_its_type() -> None:
    view = ExchangeView("e", "v", "topic", True, False, False, {}, None, 1, 2, 3, 4)
    item = connections.exchange_item(view)
    assert connections.key_with_type(item) == '{vhost="v",exchange="e",type="topic"}'
    scraped = parsed("".join(written(Group(connections.EXCHANGE, [item]), RABBITMQ)))
    assert scraped.value("rabbitmq_exchange_messages_unroutable_dropped_total") == 4
