"""What of a user's settings holds in a cluster under test."""

import pytest
import yaml

from amqp_server.proving.settings import REPLACED, lines_of, taken_over
from amqp_server.settings.load import parse_settings
from amqp_server.settings.schema import all_keys

USERS = """
net:
  listeners: [{address: 0.0.0.0, port: 5671, tls: true}]
  tls: {certificate_file: /a.pem, key_file: /a.key}
  connections_max: 100
management: {listeners: []}
broker: {data_dir: /var/lib/haremq, default_pass: hush, queues_max: 50, load_definitions: /d.json}
persistence: {durability: os}
cluster:
  etcd: {endpoints: ["https://10.0.0.1:2379"]}
  secret_file: /etc/secret
  links: {listen: "10.0.0.1:25672"}
  lease_ttl_ms: 5000
"""


def test_what_says_how_messages_are_kept_holds_and_places_do_not() -> None:
    taken = taken_over(yaml.safe_load(USERS))
    assert taken.sections == {
        "net": {"connections_max": 100},
        "broker": {"queues_max": 50},
        "persistence": {"durability": "os"},
        "cluster": {"lease_ttl_ms": 5000},
    }
    assert set(taken.left_out) == {
        "net.listeners",
        "net.tls",
        "management",
        "broker.data_dir",
        "broker.default_pass",
        "broker.load_definitions",
        "cluster.etcd",
        "cluster.secret_file",
        "cluster.links",
    }
    parse_settings(yaml.safe_dump(taken.sections))


def test_the_users_settings_stay_as_they_are() -> None:
    raw = yaml.safe_load(USERS)
    taken_over(raw)
    assert raw == yaml.safe_load(USERS)


@pytest.mark.parametrize("text", ["{}", "broker:", "management:", "net: {}"])
def test_nothing_is_taken_over_from_nothing(text: str) -> None:
    assert taken_over(yaml.safe_load(text) or {}) == ({}, {})


def test_each_key_that_does_not_hold_is_one() -> None:
    known = {key.path for key in all_keys()}
    assert {path for path in REPLACED if path not in known} == set()


def test_it_is_told_by_reasons_and_without_values() -> None:
    lines = lines_of(taken_over(yaml.safe_load(USERS)))
    assert "holds: persistence: durability" in lines
    assert any(line.startswith("left out: broker.default_pass: the load logs in") for line in lines)
    assert "hush" not in "".join(lines)
