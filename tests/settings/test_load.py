"""From YAML to settings, or to one line for each thing that is wrong."""

from pathlib import Path

import pytest

from amqp_server.net.settings import ListenerSettings
from amqp_server.settings.load import (
    FILE_SIZE_MAX_BYTES,
    SettingsError,
    load_settings,
    parse_settings,
)
from amqp_server.settings.schema import Settings


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    return caught.value.problems


@pytest.mark.parametrize(
    "text", ["", "# nothing", "net:", "net: {}\nbroker:\n  # default_user: x\n"]
)
def test_what_is_left_out_is_the_default(text: str) -> None:
    assert parse_settings(text) == Settings()


def test_every_kind_of_value_is_read() -> None:
    settings = parse_settings(
        """
        net:
          backlog: 7
          listeners:
            - {address: "::", port: 0, tls: yes}
            - {proxy_protocol: true}
          tls: {certificate_file: /c.pem, key_file: k.pem, versions: [tlsv1.3]}
          proxy_networks: [10.0.0.0/8]
        protocol:
          compatibility:
            server_properties: {site: "1"}
        broker:
          memory_high_watermark_ratio: 1
          loopback_users: []
          load_definitions: defs.json
          default_permissions: {write: ""}
        """
    )
    assert settings.net.listeners == (
        ListenerSettings(address="::", port=0, tls=True),
        ListenerSettings(proxy_protocol=True),
    )
    assert settings.net.tls is not None
    assert settings.net.tls.certificate_file == Path("/c.pem")
    assert settings.net.tls.versions == ("tlsv1.3",)
    assert settings.protocol.compatibility.server_properties == {"site": "1"}
    assert isinstance(settings.broker.memory_high_watermark_ratio, float)
    assert settings.broker.loopback_users == ()
    assert settings.broker.load_definitions == Path("defs.json")
    assert settings.broker.default_permissions.write == ""
    assert settings.broker.default_permissions.read == ".*"


WRONG: list[tuple[str, str | None]] = [
    ("net: {listenerz: 1}", "net.listenerz: unknown key; did you mean net.listeners?"),
    ("nett: {}", "nett: unknown key; did you mean net?"),
    ("1: {}", "1: unknown key"),
    ("net: {zork: 1}", "net.zork: unknown key"),
    ("net: {backlog: x}", "net.backlog: expected an integer from 1 to 65535, got 'x'"),
    ("net: {backlog: true}", "net.backlog: expected an integer from 1 to 65535, got True"),
    ("net: {backlog: 1.0}", "net.backlog: expected an integer from 1 to 65535, got 1.0"),
    (
        f"net: {{backlog: 0x{'f' * 5000}}}",
        "net.backlog: expected an integer from 1 to 65535, got a number too long to show",
    ),
    ("net: {backlog: 0}", "net.backlog: expected an integer from 1 to 65535, got 0"),
    ("net: {backlog: }", "net.backlog: expected an integer from 1 to 65535, got None"),
    ("net: {listeners: {}}", "net.listeners: expected a list, got {}"),
    ("net: {listeners: [5]}", "net.listeners[0]: expected keys and values, got 5"),
    (
        "net: {listeners: [{}, {port: 70000}]}",
        "net.listeners[1].port: expected an integer from 0 to 65535, got 70000",
    ),
    (
        "net: {listeners: [{adress: a}]}",
        "net.listeners[0].adress: unknown key; did you mean net.listeners[0].address?",
    ),
    ("net: {listeners: [{tls: 1}]}", "net.listeners[0].tls: expected true or false, got 1"),
    ("net: {listeners: [{tls: true}]}", "net.listeners[0].tls: needs net.tls"),
    ("net: {tls: {certificate_file: c}}", "net.tls.key_file: must be given"),
    (
        "net: {tls: {certificate_file: '', key_file: k}}",
        "net.tls.certificate_file: expected a path, got ''",
    ),
    (
        "broker: {default_queue_type: log}",
        "broker.default_queue_type: expected one of classic, quorum, stream, got 'log'",
    ),
    (
        "broker: {memory_high_watermark_ratio: .nan}",
        "broker.memory_high_watermark_ratio: expected a number from 0.0 to 1.0, got nan",
    ),
    ("broker: {loopback_users: guest}", "broker.loopback_users: expected a list, got 'guest'"),
    ("broker: {node_name: 5}", "broker.node_name: expected a text, got 5"),
    (
        "protocol: {compatibility: {server_properties: []}}",
        "protocol.compatibility.server_properties: expected names and texts, got []",
    ),
    (
        "protocol: {compatibility: {server_properties: {a: 1}}}",
        "protocol.compatibility.server_properties.a: expected a text, got 1",
    ),
    ("- 1", "expected keys and values, got [1]"),
    ("net: {backlog: 1, backlog: 2}", "line 1: backlog: is said twice"),
    ("net: !!python/object:os.system {}", None),
    ("a: [", None),
    ("\0", None),
    ("[" * 600, None),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_is_wrong_is_told_with_its_path(text: str, told: str | None) -> None:
    found = problems(text)
    assert len(found) == 1
    assert told is None or found == (told,)


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems(
        "zork: 1\nnet: {backlog: x, listenerz: 1}\nqueues: {deliveries_per_turn_max: 0}"
    )
    assert [line.partition(":")[0] for line in found] == [
        "zork",
        "net.listenerz",
        "net.backlog",
        "queues.deliveries_per_turn_max",
    ]


def test_a_wrong_password_is_not_repeated() -> None:
    assert problems("broker: {default_pass: 98765}") == (
        "broker.default_pass: expected a text, got something else",
    )


def test_a_small_file_cannot_make_a_large_message() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n"
    for inner, outer in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{outer}: &{outer} [{','.join([f'*{inner}'] * 9)}]\n"
    found = problems(bomb + "net: {backlog: *i}")
    assert max(map(len, found)) < 1000


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "haremq.yaml"
    path.write_text("net: {backlog: 9}", encoding="utf-8")
    assert load_settings(path).net.backlog == 9


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        (b"net: \xff", "is not UTF-8 text"),
        (b"#" * (FILE_SIZE_MAX_BYTES + 1), f"is larger than {FILE_SIZE_MAX_BYTES} bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "haremq.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert caught.value.problems == (f"{path}: {told}",)
