"""Settings and definitions in documents are some: they are read as the broker would read them."""

import json
import re
from pathlib import Path

import pytest

from amqp_server.broker.access.passwords import verify
from amqp_server.broker.access.rights import User
from amqp_server.broker.definitions.definition import PolicyDefinition
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.settings.load import SettingsError, parse_settings
from tests.style.tree import files, text_of

YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JSON_BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def problems_in(text: str) -> list[str]:
    """Return what the broker has to say against the YAML blocks of a document."""
    found: list[str] = []
    for block in YAML_BLOCK.findall(text):
        try:
            parse_settings(block)
        except SettingsError as error:
            found += error.problems
    return found


def test_settings_in_documents_are_settings() -> None:
    documents = {str(path): text_of(path) for path in files() if path.suffix == ".md"}
    assert any(YAML_BLOCK.search(text) for text in documents.values())
    assert {path: found for path, text in documents.items() if (found := problems_in(text))} == {}


@pytest.mark.parametrize("line", ["net: {listenerz: []}", "net: {backlog: many}", "net: ["])
def test_settings_that_are_none_are_seen(line: str) -> None:
    assert problems_in(f"```yaml\n{line}\n```\n") != []
    assert problems_in(f"```json\n{line}\n```\n") == []


def test_the_definitions_of_the_operations_page_can_be_loaded_and_their_user_can_log_in() -> None:
    (block,) = JSON_BLOCK.findall(text_of(Path("docs/OPERATIONS.md")))
    document = parse_definitions(json.loads(block), bytes)
    (user,) = document.of(User)
    assert verify("the password", user.password_hash, user.hashing_algorithm)
    assert len(document.of(PolicyDefinition)) == 1
