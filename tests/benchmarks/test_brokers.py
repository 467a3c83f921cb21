"""How brokers are started, and met at another port."""

from pathlib import Path

import pytest

from amqp_server.settings.load import load_settings
from benchmarks.brokers import HAREMQ, RABBITMQ, RELAY, Broker, _options
from benchmarks.scenarios import SCENARIOS, Durability, is_tls
from load_generator.session import Endpoint
from load_generator.tls import TlsOptions
from load_generator.wire import LoadError

PLAIN = Endpoint("127.0.0.1", 25_800, "guest", "guest", "/")
TLS = PLAIN._replace(port=26_000, tls=TlsOptions(verifies=False))


def options(name: str, directory: Path, tls: Endpoint | None = TLS) -> list[str]:
    return _options(name, directory, Durability.OS, PLAIN, tls)


def test_haremq_listens_on_all_ports(tmp_path: Path) -> None:
    command = options(HAREMQ, tmp_path)
    assert command[0] == "start"
    settings = load_settings(Path(command[command.index("--config") + 1]))
    listeners = [(each.port, each.tls, each.protocol) for each in settings.net.listeners]
    assert listeners == [
        (25_800, False, "amqp"),
        (26_000, True, "amqp"),
        (26_100, False, "stream"),
    ]
    assert settings.persistence.durability == "os"


def test_rabbitmq_is_given_the_same_certificate(tmp_path: Path) -> None:
    command = options(RABBITMQ, tmp_path)
    said = dict(zip(command[::2], command[1::2], strict=True))
    ports = [said[name] for name in ("--port", "--tls-port", "--stream-port")]
    assert ports == ["25800", "26000", "26100"]
    assert Path(said["--certificate"]).read_bytes().startswith(b"-----BEGIN CERTIFICATE")
    assert Path(said["--key"]).exists()


def test_the_relay_speaks_no_tls(tmp_path: Path) -> None:
    assert options(RELAY, tmp_path, None) == ["--port", "25800"]
    with pytest.raises(LoadError, match="no port with TLS"):
        Broker(RELAY, PLAIN, None).over_tls()


def test_a_broker_is_met_at_its_port_with_tls() -> None:
    broker = Broker(HAREMQ, PLAIN, 7, tls_endpoint=TLS)
    assert (broker.over_tls().endpoint, broker.over_tls().pid) == (TLS, 7)


def test_scenarios_over_tls_are_named_so() -> None:
    names = [scenario.name for scenario in SCENARIOS if is_tls(scenario)]
    assert names
    assert all(name.startswith("tls-") for name in names)
    plain = {scenario.name for scenario in SCENARIOS} - set(names)
    assert {name.removeprefix("tls-") for name in names} <= plain


def test_a_broker_without_a_port_for_streams_says_so() -> None:
    with pytest.raises(LoadError, match="no port for the stream protocol"):
        Broker(RELAY, PLAIN, None).stream_port()
    broker = Broker(HAREMQ, PLAIN, 7, stream_endpoint=TLS)
    assert broker.stream_port() == TLS
