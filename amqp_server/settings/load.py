"""From ``haremq.yaml`` to ``Settings``: checks every key, type and range.

All mistakes are found in one pass. Each is a line that begins with the path of the key:

    net.listenerz: unknown key; did you mean net.listeners?
    net.backlog: expected an integer from 1 to 65535, got 'many'
"""

import difflib
import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from amqp_server.settings.schema import Key, Settings, keys_of

FILE_SIZE_MAX_BYTES: Final = 1024 * 1024
SHOWN_MAX: Final = 60
"""Characters of a wrong value that a line repeats."""

_REPR: Final = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = SHOWN_MAX
_REPR.maxlevel = 2

_Section = TypeVar("_Section")


class SettingsError(Exception):
    """The settings cannot be used.

    Attributes:
        problems: one line for each mistake, in the order of the declarations.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_settings(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or has a mistake.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror}"]) from error
    if len(octets) > FILE_SIZE_MAX_BYTES:
        raise SettingsError([f"{path}: is larger than {FILE_SIZE_MAX_BYTES} bytes"])
    try:
        return parse_settings(octets.decode("utf-8"), f"{path}: ")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8 text"]) from error


def parse_settings(text: str, where: str = "") -> Settings:
    """Return the settings of a YAML text; a key that it leaves out has its default.

    Args:
        text: the YAML.
        where: prefix of a problem without a key: ``haremq.yaml: ``.

    Raises:
        SettingsError: the text is not YAML, or has a mistake.
    """
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = 0 if error.problem_mark is None else error.problem_mark.line + 1
        raise SettingsError([f"{where}line {line}: {error.problem or error.context}"]) from error
    except yaml.YAMLError as error:
        raise SettingsError([where + str(error).splitlines()[0]]) from error
    except (RecursionError, ValueError) as error:
        raise SettingsError([f"{where}cannot be read: {error}"]) from error
    reader = _Reader()
    settings = reader.section(Settings, raw, "")
    if settings is None or reader.problems:
        raise SettingsError(reader.problems)
    return settings


class _Loader(yaml.SafeLoader):
    """YAML in which a repeated key is a mistake; plain YAML would take the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        seen: set[str] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"{key_node.value}: is said twice",
                        problem_mark=key_node.start_mark,
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _Reader:
    """Reads values by their declarations and collects the mistakes."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def section(self, declared: type[_Section], raw: object, path: str) -> _Section | None:
        """Return a section; None if it has mistakes, which are then in ``problems``."""
        raw = {} if raw is None else raw  # a section with all its keys commented out
        if not isinstance(raw, Mapping):
            self._complain(path, f"expected keys and values, got {_shown(raw)}")
            return None
        problems_before = len(self.problems)
        keys = {key.path.rpartition(".")[2]: key for key in keys_of(declared, path)}
        for name in raw:
            if name not in keys:
                self._unknown(str(name), keys, path)
        values: dict[str, object] = {}
        for name, key in keys.items():
            if name in raw:
                values[name] = self._value(key, raw[name], key.path)
            elif key.default is MISSING:
                self._complain(key.path, "must be given")
        if len(self.problems) > problems_before:
            return None
        made = declared(**values)
        for name, wrong in getattr(made, "inconsistencies", list)():
            self._complain(f"{path}.{name}" if path else name, wrong)
        return made

    def _value(self, key: Key, raw: object, path: str) -> object:
        shape = key.shape
        if raw is None and shape.is_optional:
            return None
        if shape.is_list:
            return self._list(key, raw, path)
        if shape.is_map:
            return self._map(raw, path)
        return self._item(key, raw, path)

    def _list(self, key: Key, raw: object, path: str) -> tuple[object, ...]:
        if not isinstance(raw, list):
            self._complain(path, f"expected a list, got {_shown(raw)}")
            return ()
        return tuple(self._item(key, item, f"{path}[{index}]") for index, item in enumerate(raw))

    def _map(self, raw: object, path: str) -> dict[str, str]:
        if not isinstance(raw, Mapping):
            self._complain(path, f"expected names and texts, got {_shown(raw)}")
            return {}
        for name, value in raw.items():
            if not isinstance(name, str) or not isinstance(value, str):
                self._complain(f"{path}.{name}", f"expected a text, got {_shown(value)}")
        return dict(raw)

    def _item(self, key: Key, raw: object, path: str) -> object:
        base = key.shape.base
        if is_dataclass(base):
            return self.section(base, raw, path)
        if base is float and isinstance(raw, int) and not isinstance(raw, bool):
            raw = float(raw)
        if not _fits(key, raw):
            shown = "something else" if key.is_secret else _shown(raw)
            self._complain(path, f"expected {expected(key)}, got {shown}")
            return raw
        return Path(str(raw)) if base is Path else raw

    def _unknown(self, name: str, keys: Mapping[str, Key], path: str) -> None:
        full = f"{path}.{name}" if path else name
        close = difflib.get_close_matches(name, keys, n=1)
        hint = f"; did you mean {keys[close[0]].path}?" if close else ""
        self._complain(full, f"unknown key{hint}")

    def _complain(self, path: str, text: str) -> None:
        self.problems.append(f"{path}: {text}" if path else text)


def expected(key: Key) -> str:
    """Return in words what a value of the key must be: ``an integer from 1 to 65535``."""
    if key.shape.choices:
        return "one of " + ", ".join(key.shape.choices)
    words = {int: "an integer", float: "a number", bool: "true or false", Path: "a path"}
    word = words.get(key.shape.base, "a text")
    if key.minimum is None:
        return word
    return f"{word} from {key.minimum} to {key.maximum}"


def _fits(key: Key, raw: object) -> bool:
    base = str if key.shape.base is Path else key.shape.base
    if not isinstance(raw, base) or (isinstance(raw, bool) and base is not bool):
        return False
    if key.shape.choices:
        return raw in key.shape.choices
    if key.shape.base is Path:
        return raw != ""
    if key.minimum is None or key.maximum is None:
        return True
    assert isinstance(raw, int | float), "only numbers have a range"
    return key.minimum <= raw <= key.maximum


def _shown(raw: object) -> str:
    """Return a wrong value, shortened: aliases can make a small file into an endless value."""
    try:
        return _REPR.repr(raw)
    except ValueError:  # CPython does not write integers of more than 4300 digits
        return "a number too long to show"
