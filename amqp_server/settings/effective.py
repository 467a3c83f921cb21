"""The settings of a node as they are in force, as the text of a file; secrets are left out."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final

import yaml

from amqp_server.settings.schema import Settings

HIDDEN: Final = "(hidden)"
"""Stands for a secret that is set."""

CHARACTERS_PER_LINE: Final = 100


def effective_text(settings: Settings) -> str:
    """Return all keys with their values, as YAML."""
    return yaml.safe_dump(
        _plain(settings), sort_keys=False, allow_unicode=True, width=CHARACTERS_PER_LINE
    )


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        shown: dict[str, object] = {}
        for field in fields(value):
            held = getattr(value, field.name)
            is_secret = field.metadata.get("secret", False) and held
            shown[field.name] = HIDDEN if is_secret else _plain(held)
        return shown
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return value
