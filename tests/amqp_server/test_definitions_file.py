"""The definitions file at a start: what of it cannot be taken is said, all of it, with its path."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from amqp_server.app import build_broker
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.settings import BrokerSettings
from amqp_server.settings.schema import Settings

# As clusters of several versions, with plugins that are not here, export it.
MIXED = {
    "rabbit_version": "3.12.6",
    "users": [
        {"name": "app", "password_hash": "", "hashing_algorithm": "rot13", "tags": "monitoring"},
        {"name": "ok", "password": "pw", "tags": ["administrator"]},
    ],
    "vhosts": [{"name": "/"}, {"name": "logs", "metadata": {"default_queue_type": "delayed"}}],
    "permissions": [{"user": "gone", "vhost": "/", "configure": "", "write": "", "read": ""}],
    "parameters": [
        {"vhost": "/", "component": "shovel", "name": "s", "value": {"src-uri": "amqp://"}},
        {"vhost": "/", "component": "federation-upstream", "name": "f", "value": {}},
    ],
    "policies": [
        {
            "vhost": "/",
            "name": "federate",
            "pattern": "^fed[.]",
            "definition": {"shards-per-node": 2, "ha-mode": "all"},
        }
    ],
    "exchanges": [
        {"name": "", "vhost": "/", "type": "direct", "durable": True, "arguments": {}},
        {"name": "amq.topic", "vhost": "/", "type": "topic", "durable": True, "arguments": {}},
        {"name": "later", "vhost": "/", "type": "x-jms-topic", "arguments": {}},
    ],
    "queues": [
        {"name": "jobs", "vhost": "/", "durable": True, "arguments": {"x-own": 1}},
        {"name": "events", "vhost": "logs", "arguments": {"x-queue-type": "delayed"}},
    ],
    "bindings": [
        {"source": "", "vhost": "/", "destination": "jobs", "routing_key": "jobs"},
        {"source": "later", "vhost": "/", "destination": "jobs", "destination_type": "queue"},
        {"source": "amq.topic", "vhost": "/", "destination": "nobody", "arguments": {}},
        {"source": "amq.topic", "vhost": "/", "destination": "jobs", "routing_key": "#"},
    ],
}
LEFT_OUT = [
    "users[0].hashing_algorithm",
    "vhosts[1].default_queue_type",
    "policies[0].definition.shards-per-node",
    "exchanges[2].type",
    "queues[1]",
    "permissions[0].user",
    "bindings[1]",
    "bindings[2]",
]


@pytest.fixture
def definitions_file(tmp_path: Path) -> Path:
    return tmp_path / "definitions.json"


def settings_with(definitions: Path, **broker: object) -> Settings:
    section = replace(BrokerSettings(load_definitions=definitions), **broker)  # type: ignore[arg-type] # keys
    return Settings(broker=section)


def built(definitions_file: Path, raw: object, **broker: object) -> Broker:
    definitions_file.write_text(json.dumps(raw), encoding="utf-8")
    return build_broker(settings_with(definitions_file, **broker))


def paths_in(lines: list[str]) -> list[str]:
    return [line.removeprefix("definitions.").partition(": ")[0] for line in lines]


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"{", "not JSON: "),
        (b"", "not JSON: "),
        (b'{"queues": "\xff"}', "not JSON: "),
        (b"[" * 100_000, "not JSON: "),
        (b"[]", "definitions: expected an object, got []"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_key_and_path(
    definitions_file: Path, octets: bytes, told: str
) -> None:
    definitions_file.write_bytes(octets)
    with pytest.raises(DefinitionsError) as caught:
        build_broker(settings_with(definitions_file))
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"broker.load_definitions: {definitions_file}: ")


def test_a_file_that_cannot_be_read_is_told_with_its_key(definitions_file: Path) -> None:
    with pytest.raises(DefinitionsError) as caught:
        build_broker(settings_with(definitions_file))
    assert str(caught.value) == (
        f"broker.load_definitions: {definitions_file}: No such file or directory"
    )


def test_whatever_cannot_be_taken_is_told_in_one_start_and_the_rest_is_there(
    definitions_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        broker = built(definitions_file, MIXED)
    *lines, last = [record.getMessage() for record in caplog.records]
    assert paths_in([line.removeprefix("left out: ") for line in lines]) == LEFT_OUT
    assert last == f"definitions were left out file={definitions_file} count={len(LEFT_OUT)}"
    assert [user.name for user in broker.users.list()] == ["ok"]
    assert [key[1] for key in broker.parameters] == ["shovel", "federation-upstream"]
    routed = broker.vhost("/").router.route("amq.topic", ("any",), None)
    assert list(routed.queue_names) == ["jobs"]


def test_who_wants_all_of_it_gets_nothing_and_all_is_told(definitions_file: Path) -> None:
    with pytest.raises(DefinitionsError) as caught:
        built(definitions_file, MIXED, load_definitions_strict=True)
    where = f"broker.load_definitions: {definitions_file}: "
    assert paths_in(str(caught.value).removeprefix(where).splitlines()) == LEFT_OUT


def test_where_the_users_were_left_out_nobody_takes_their_place(definitions_file: Path) -> None:
    broker = built(definitions_file, {"users": [{"name": 5}]})
    assert list(broker.users.list()) == []


def test_an_export_of_one_vhost_goes_to_the_default_one(
    definitions_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = {"queues": [{"name": "q", "durable": True, "auto_delete": False, "arguments": {}}]}
    broker = built(definitions_file, raw, default_vhost="mine")
    assert broker.vhost("mine").queues.find("q") is not None
    assert caplog.records == []


def test_more_vhosts_than_the_node_may_have_are_left_out(
    definitions_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = built(definitions_file, {"vhosts": [{"name": "v"}]}, vhosts_max=1)
    assert [vhost.name for vhost in broker.vhosts()] == ["/"]
    assert "vhost limit of 1 is reached" in caplog.records[0].getMessage()
