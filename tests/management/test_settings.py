"""The section ``management``."""

import pytest

from amqp_server.settings.load import SettingsError, parse_settings
from management.settings import ManagementSettings


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("path_prefix: broker", "management.path_prefix"),
        ("path_prefix: /broker/", "management.path_prefix"),
        ("rabbitmq_version: 4.2.0-foo", "management.rabbitmq_version"),
        ("listeners: [{tls: true}]", "management.listeners[0].tls"),
    ],
)
def test_mistakes_are_named(text: str, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"management: {{{text}}}")
    assert refused.value.problems[0].startswith(f"{key}: ")


def test_what_is_right_is_taken() -> None:
    section = parse_settings("management: {path_prefix: /broker, listeners: []}").management
    assert section.path_prefix == "/broker"
    assert ManagementSettings().inconsistencies() == []
