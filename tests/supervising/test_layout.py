"""Where the nodes of a development cluster are."""

from pathlib import Path

import pytest
import yaml

from amqp_server.settings.load import SettingsError, parse_settings
from amqp_server.supervising.layout import (
    NODES_MAX,
    PORT_MAX,
    PORT_MIN,
    LayoutError,
    etcd_command,
    laid_out,
    laid_over,
    node_settings,
    table_of,
)

FOLDER = Path("/srv/cluster")


def test_the_first_node_has_the_usual_ports_and_each_other_one_the_next() -> None:
    first, second, third = laid_out(FOLDER, 3, 5672)
    assert (first.port, first.management_port, first.metrics_port) == (5672, 15672, 15692)
    assert first.stream_port == 5552
    assert sorted(first.ports) == [5552, 5672, 15672, 15692]
    assert (third.port, third.management_port, third.stream_port) == (5674, 15674, 5554)
    assert first.name != second.name
    assert first.data_dir == FOLDER / "node-1" / "data"
    assert second.links == "unix:/srv/cluster/node-2/links"


@pytest.mark.parametrize("port", [PORT_MIN, 5672, PORT_MAX])
@pytest.mark.parametrize("step", [0, 1])
def test_no_port_is_taken_twice(port: int, step: int) -> None:
    places = laid_out(FOLDER, NODES_MAX, port, step)
    ports = [
        each
        for place in places
        for each in (place.management_port, place.metrics_port, place.stream_port)
    ]
    amqp = {place.port for place in places}
    assert len(amqp) == (NODES_MAX if step else 1)
    assert len({*ports, *amqp}) == len(ports) + len(amqp)
    assert all(1_024 <= each <= 65_535 for each in (*ports, *amqp))


def test_all_nodes_may_have_one_port() -> None:
    assert {place.port for place in laid_out(FOLDER, 3, 5672, 0)} == {5672}


@pytest.mark.parametrize(
    ("folder", "count", "port", "told"),
    [
        (FOLDER, 0, 5672, "nodes: expected 1 to 9, got 0"),
        (FOLDER, 10, 5672, "nodes: expected 1 to 9, got 10"),
        (FOLDER, 3, 80, "port: expected 1144 to 55506"),
        (FOLDER, 3, 60_000, "got 60000"),
        (Path("/") / ("x" * 100), 3, 5672, "its path is too long for Unix sockets in it"),
    ],
)
def test_what_cannot_be_laid_out_is_told(folder: Path, count: int, port: int, told: str) -> None:
    with pytest.raises(LayoutError, match=told):
        laid_out(folder, count, port)


def test_the_settings_are_settings() -> None:
    (place,) = laid_out(FOLDER, 1, 5672)
    raw = node_settings(place, secret_file=FOLDER / "secret", etcd_url="http://127.0.0.1:2379")
    settings = parse_settings(yaml.safe_dump(raw))
    assert settings.cluster.is_clustered
    assert settings.cluster.links.listen == place.links
    assert settings.broker.node_name == place.name
    assert [each.protocol for each in settings.net.listeners] == ["amqp", "stream"]
    assert not parse_settings(yaml.safe_dump(node_settings(place))).cluster.is_clustered


def test_a_users_settings_stay_below() -> None:
    (place,) = laid_out(FOLDER, 1, 5672)
    others = {
        "queues": {"memory_bytes": 1_000_000},
        "broker": {"default_user": "me", "node_name": "x"},
    }
    settings = parse_settings(yaml.safe_dump(node_settings(place, others=others)))
    assert settings.broker.default_user == "me"
    assert settings.broker.node_name == place.name
    assert settings.queues.memory_bytes == 1_000_000


def test_a_mistake_of_the_user_is_still_one() -> None:
    (place,) = laid_out(FOLDER, 1, 5672)
    with pytest.raises(SettingsError):
        parse_settings(yaml.safe_dump(node_settings(place, others={"netz": {}})))


def test_sections_are_joined_and_lists_are_not() -> None:
    below = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert laid_over(below, {"a": {"c": [3]}, "e": 5}) == {"a": {"b": 1, "c": [3]}, "d": 4, "e": 5}
    assert laid_over({"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_etcd_listens_on_loopback_and_forgets_history() -> None:
    command = etcd_command("/usr/bin/etcd", FOLDER / "etcd", 1, 2)
    assert command[0] == "/usr/bin/etcd"
    assert "http://127.0.0.1:1" in command
    assert "--auto-compaction-retention" in command
    assert not any("0.0.0.0" in word for word in command)


def test_the_table_says_where_they_are_and_how_to_end_one() -> None:
    places = laid_out(FOLDER, 2, 5672)
    lines = table_of(places, {places[0].name: 11, places[1].name: 12, "etcd": 9}, "http://e:1")
    text = "\n".join(lines)
    assert "amqp://127.0.0.1:5673" in text
    assert "http://127.0.0.1:15672" in text
    assert "etcd: http://e:1, pid 9" in text
    assert "kill 12" in text
    assert "etcd" not in "\n".join(table_of(places, {}, ""))
