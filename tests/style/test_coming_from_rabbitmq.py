"""The page for RabbitMQ's users names settings that there are, and ports that hold."""

import re
from pathlib import Path

from amqp_server.net.settings import ListenerSettings
from amqp_server.settings.schema import all_keys
from tests.style.tree import text_of

PAGE = text_of(Path("docs/COMING_FROM_RABBITMQ.md"))
SETTING = re.compile(r"`((?:net|protocol|broker|queues|persistence)\.[a-z_.\[\]]+)")


def test_every_setting_of_the_page_is_one() -> None:
    known = {key.path for key in all_keys()}
    named = {name.rstrip(".") for name in SETTING.findall(PAGE)}
    assert len(named) > 25
    assert sorted(named - known) == []


def test_the_default_listener_is_what_the_page_says() -> None:
    default = ListenerSettings()
    assert f"{default.port}, on {default.address} until" in PAGE


def test_readers_find_the_page() -> None:
    assert "docs/COMING_FROM_RABBITMQ.md" in text_of(Path("README.md"))
