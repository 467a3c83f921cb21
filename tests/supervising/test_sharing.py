"""Several nodes behind the ports of one."""

from pathlib import Path

import pytest
import yaml

from amqp_server.net.settings import ListenerSettings, NetSettings
from amqp_server.settings.load import parse_settings
from amqp_server.settings.schema import Settings
from amqp_server.supervising.layout import LayoutError, node_settings
from amqp_server.supervising.sharing import shared_places, shared_sections

FOLDER = Path("/srv/cluster")
STREAMS = Settings(
    net=NetSettings(listeners=(ListenerSettings(), ListenerSettings(port=5552, protocol="stream")))
)


def test_amqp_has_one_port_and_all_else_one_for_each_node() -> None:
    first, second = shared_places(FOLDER, 2, STREAMS)
    assert first.port == second.port == 5672
    assert (first.stream_port, second.stream_port) == (5552, 5553)
    assert (first.management_port, second.management_port) == (15672, 15673)
    assert (first.metrics_port, second.metrics_port) == (15692, 15693)


def test_what_does_not_listen_has_no_port() -> None:
    (place,) = shared_places(FOLDER, 1, Settings())
    assert place.stream_port == 0


def test_the_settings_of_each_node_share_what_is_to_be_shared() -> None:
    places = shared_places(FOLDER, 3, STREAMS)
    for index, place in enumerate(places):
        raw = node_settings(place, listening=shared_sections(STREAMS, index))
        settings = parse_settings(yaml.safe_dump(raw))
        amqp, stream = settings.net.listeners
        assert (amqp.port, amqp.reuse_port) == (5672, True)
        assert (stream.port, stream.reuse_port) == (5552 + index, False)
        assert settings.management.listeners[0].port == 15672 + index
        assert settings.broker.data_dir == FOLDER / f"node-{index + 1}" / "data"


def test_links_over_tcp_have_a_port_for_each_node() -> None:
    settings = parse_settings("cluster: {links: {listen: '[::1]:25672'}}")
    assert shared_sections(settings, 2)["cluster"] == {"links": {"listen": "[::1]:25674"}}


@pytest.mark.parametrize(
    ("settings", "count", "told"),
    [
        (Settings(), 0, "expected 1 to 9"),
        (Settings(), 10, "expected 1 to 9"),
        (
            Settings(net=NetSettings(listeners=(ListenerSettings(port=0),))),
            2,
            "cannot share port 0",
        ),
        (
            Settings(
                net=NetSettings(listeners=(ListenerSettings(port=65_535, protocol="stream"),))
            ),
            2,
            "there is no port 65536",
        ),
    ],
)
def test_what_cannot_be_shared_is_told(settings: Settings, count: int, told: str) -> None:
    with pytest.raises(LayoutError, match=told):
        shared_places(FOLDER, count, settings)
