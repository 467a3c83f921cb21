"""What single keys of the net section cannot show."""

from pathlib import Path

import pytest

from amqp_server.net.settings import ListenerSettings, NetSettings, TlsSettings

FILES = TlsSettings(certificate_file=Path("c"), key_file=Path("k"))


def test_the_defaults_are_consistent_and_local() -> None:
    assert NetSettings().inconsistencies() == []
    assert [(listener.address, listener.port) for listener in NetSettings().listeners] == [
        ("127.0.0.1", 5672)
    ]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (NetSettings(listeners=()), "listeners"),
        (
            NetSettings(listeners=(ListenerSettings(), ListenerSettings(tls=True))),
            "listeners[1].tls",
        ),
        (
            NetSettings(listeners=(ListenerSettings(proxy_protocol=True),)),
            "listeners[0].proxy_protocol",
        ),
        (NetSettings(proxy_networks=("10.0.0.0/8", "10.0.0.1/8")), "proxy_networks[1]"),
        (NetSettings(proxy_networks=("nearby",)), "proxy_networks[0]"),
    ],
)
def test_a_listener_needs_what_it_uses(settings: NetSettings, key: str) -> None:
    assert [wrong for wrong, _ in settings.inconsistencies()] == [key]


def test_what_a_listener_needs_may_be_given() -> None:
    settings = NetSettings(
        listeners=(ListenerSettings(tls=True, proxy_protocol=True),),
        tls=FILES,
        proxy_networks=("10.0.0.0/8", "fd00::/8"),
    )
    assert settings.inconsistencies() == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"verify_peer": True}, "verify_peer"),
        ({"require_peer_certificate": True}, "require_peer_certificate"),
        ({"versions": ()}, "versions"),
    ],
)
def test_tls_keys_need_each_other(changes: dict[str, bool], key: str) -> None:
    settings = TlsSettings(certificate_file=Path("c"), key_file=Path("k"), **changes)  # type: ignore[arg-type] # named above
    assert [wrong for wrong, _ in settings.inconsistencies()] == [key]


def test_mutual_tls_is_consistent() -> None:
    settings = TlsSettings(
        certificate_file=Path("c"),
        key_file=Path("k"),
        ca_file=Path("ca"),
        verify_peer=True,
        require_peer_certificate=True,
    )
    assert settings.inconsistencies() == []
