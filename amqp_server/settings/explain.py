"""The declarations of all settings as text for a terminal, and as the page in ``docs``."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Final

from amqp_server.settings.load import expected
from amqp_server.settings.schema import Key, all_keys

_INTRODUCTION: Final = """\
# Settings

`haremq start --config haremq.yaml` reads one YAML file. A key that is not in the file has the
default given here. An unknown key is an error. `haremq check-config` prints all mistakes in a file.
`haremq explain-config` prints this page in a terminal.

The name of a key ends in its unit. A number without a unit is a count. A path is relative to the
folder in which the program was started.

```yaml
net:
  listeners:
    - address: 127.0.0.1
      port: 5672
broker:
  load_definitions: definitions.json
```

This page is generated from the declarations: `python -m amqp_server explain-config --markdown`.
"""


def explain_text() -> str:
    """Return every key with its type, range, unit, default and description."""
    blocks = [f"{key.path}\n    {kind_of(key)}\n    {key.doc}\n" for key in all_keys()]
    return "\n".join(blocks)


def explain_markdown() -> str:
    """Return ``docs/SETTINGS.md``."""
    lines = [_INTRODUCTION]
    for key in all_keys():
        if "." not in key.path:
            lines += [
                f"\n## {key.path}\n\n{key.doc}\n",
                "| key | value | default | |",
                "|---|---|---|---|",
            ]
        else:
            what = f"{_many(key)}{_unit(key)}"
            lines.append(f"| `{key.path}` | {what} | {_markdown_default(key)} | {key.doc} |")
    return "\n".join(lines) + "\n"


def kind_of(key: Key) -> str:
    """Return a line such as ``an integer from 0 to 600000, milliseconds; default 5000``."""
    default = default_text(key)
    return f"{_many(key)}{_unit(key)}" + (f"; {default}" if default else "")


def default_text(key: Key) -> str:
    """Return ``default 5000``, ``must be given``, or nothing for a section."""
    if key.default is MISSING:
        return "must be given"
    if is_dataclass(key.shape.base) and not (key.shape.is_list or key.default is None):
        return ""
    return f"default {_written(key.default)}"


def _many(key: Key) -> str:
    if key.shape.is_map:
        return "names and texts"
    what = "a section" if is_dataclass(key.shape.base) else expected(key)
    what = f"a list, each {what}" if key.shape.is_list else what
    return f"{what}, or null" if key.shape.is_optional else what


def _unit(key: Key) -> str:
    return f", {key.unit}" if key.unit else ""


def _markdown_default(key: Key) -> str:
    default = default_text(key)
    return f"`{default.removeprefix('default ')}`" if default.startswith("default ") else default


def _written(value: object) -> str:
    """Return a value as the file would say it, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() | Path():
            return str(value) or '""'
        case tuple():
            return f"[{', '.join(map(_written, value))}]"
        case Mapping():
            return f"{{{', '.join(_pairs(value))}}}"
        case _:
            assert is_dataclass(value), f"{value!r} is no value of a settings file"
            return _written({name: getattr(value, name) for name in value.__dataclass_fields__})


def _pairs(mapping: Mapping[str, object]) -> Iterator[str]:
    for name, value in mapping.items():
        yield f"{name}: {_written(value)}"
