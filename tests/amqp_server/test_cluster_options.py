"""The options of a node of a cluster, made of its settings."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from amqp_server.broker.settings import BrokerSettings
from amqp_server.cluster_files import ClusterFilesError
from amqp_server.cluster_options import addresses_of, options_of, rules_of
from amqp_server.net.listener import ListenError
from amqp_server.net.settings import ListenerSettings, NetSettings
from amqp_server.settings.schema import Settings
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from cluster.links.sockets.dialer import TcpAddress
from cluster.settings import (
    ClusterSettings,
    EtcdSettings,
    LinksSettings,
    LinkTlsSettings,
    ReplicationSettings,
)
from tests.support.certificates import Authority

SECRET = "0123456789abcdef"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text(SECRET, encoding="ascii")
    secret.chmod(0o600)
    return Settings(
        broker=BrokerSettings(node_name="haremq@one", data_dir=tmp_path / "data"),
        cluster=ClusterSettings(
            name="shop",
            etcd=EtcdSettings(endpoints=("http://127.0.0.1:1",)),
            secret_file=secret,
            links=LinksSettings(listen=f"unix:{tmp_path}/links"),
            zone="rack-1",
            lease_ttl_ms=6_000,
        ),
    )


def with_links(settings: Settings, links: LinksSettings) -> Settings:
    return replace(settings, cluster=replace(settings.cluster, links=links))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield int(held.getsockname()[1])


def test_options_say_what_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    options = options_of(settings)
    (listening,) = options.listening
    with listening:
        assert (options.cluster, options.node, options.zone) == ("shop", "haremq@one", "rack-1")
        assert options.secret == SECRET.encode()
        assert (options.lease_ttl_ms, options.lease_margin_ms) == (6_000, 2_000)
        assert options.tls is None
        assert dict(options.addresses)["links"] == f"unix:{tmp_path}/links"
        assert listening.family == socket.AF_UNIX
        assert listening.gettimeout() == 0


def test_links_over_tcp_with_certificates(settings: Settings, tmp_path: Path) -> None:
    authority = Authority()
    files = authority.issue(tmp_path, alternatives=[x509.DNSName("haremq@one")])
    tls = LinkTlsSettings(
        certificate_file=files.certificate_file,
        key_file=files.key_file,
        ca_file=authority.write(tmp_path / "ca.pem"),
    )
    links = LinksSettings(listen="127.0.0.1:0", advertise="127.0.0.1:9", tls=tls)
    options = options_of(with_links(settings, links))
    (listening,) = options.listening
    with listening:
        assert listening.family == socket.AF_INET
        assert options.tls is not None
        assert options.tls.names_nodes
        assert TcpAddress("127.0.0.1", 9, options.tls.dialing).tls is options.tls.dialing


def test_a_port_that_is_taken_is_named(settings: Settings, taken: int) -> None:
    links = LinksSettings(listen=f"127.0.0.1:{taken}")
    with pytest.raises(ListenError, match=f"cluster.links.listen: cannot listen on .*:{taken}"):
        options_of(with_links(settings, links))


def test_a_file_that_cannot_be_used_opens_no_socket(settings: Settings, tmp_path: Path) -> None:
    section = replace(settings.cluster, secret_file=tmp_path / "no")
    with pytest.raises(ClusterFilesError):
        options_of(replace(settings, cluster=section))
    assert not (tmp_path / "links").exists()


def test_clients_are_told_of_the_first_listener_of_each_kind(settings: Settings) -> None:
    listeners = (
        ListenerSettings(address="::", port=5672),
        ListenerSettings(address="10.0.0.1", port=5673),
        ListenerSettings(address="::1", port=5552, protocol="stream"),
    )
    links = LinksSettings(listen="0.0.0.0:25672", advertise="node-1.example:25672")
    several = replace(with_links(settings, links), net=NetSettings(listeners=listeners))
    assert dict(addresses_of(several)) == {
        "links": "node-1.example:25672",
        "amqp": "node-1.example:5672",
        "stream": "[::1]:5552",
        "http": "127.0.0.1:15672",
    }
    stream = StreamProtocolSettings(advertised_host="public.example", advertised_port=80)
    assert dict(addresses_of(replace(several, stream_protocol=stream)))["stream"] == (
        "public.example:80"
    )


def test_listeners_that_speak_tls_are_told_beside_the_others(settings: Settings) -> None:
    listeners = (
        ListenerSettings(address="10.0.0.1", port=5671, tls=True),
        ListenerSettings(address="10.0.0.1", port=5552, protocol="stream"),
        ListenerSettings(address="10.0.0.1", port=5551, protocol="stream", tls=True),
    )
    several = replace(settings, net=NetSettings(listeners=listeners))
    told = dict(addresses_of(several))
    assert "amqp" not in told
    assert told["amqp-tls"] == "10.0.0.1:5671"
    assert (told["stream"], told["stream-tls"]) == ("10.0.0.1:5552", "10.0.0.1:5551")
    given = StreamProtocolSettings(
        advertised_host="plain.example", advertised_port=80, advertised_tls_port=443
    )
    told = dict(addresses_of(replace(several, stream_protocol=given)))
    assert (told["stream"], told["stream-tls"]) == ("plain.example:80", "plain.example:443")


def test_a_node_with_links_on_this_host_is_told_by_the_hosts_name(settings: Settings) -> None:
    listeners = (ListenerSettings(address="0.0.0.0", port=5672),)
    several = replace(settings, net=NetSettings(listeners=listeners))
    assert dict(addresses_of(several))["amqp"] == f"{socket.gethostname()}:5672"


def test_rules_of_replicas(settings: Settings) -> None:
    section = replace(settings.cluster, replication=ReplicationSettings(replicas=5, min_isr=2))
    rules = rules_of(replace(settings, cluster=section))
    assert (rules.replicas_count, rules.min_isr(5)) == (5, 2)
    assert rules_of(Settings()).min_isr(3) == 2
