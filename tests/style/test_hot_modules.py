"""The modules that touch every message: few, small and free of policy (docs/adr/0003).

A kernel on raw buffers can stand in for each of them, so none may know a setting, a log, a clock,
a library or a rule of the broker: bytes, counters and positions only. ``persistence.kernels`` names
the kernels there are.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.kernels import KERNELS
from tests.style.tree import files, module_of, text_of

HOT_MODULES = (
    Path("amqp_server/wire/framing.py"),
    Path("amqp_server/wire/content.py"),
    Path("exchanges/route_cache.py"),
    Path("exchanges/topic_trie.py"),
    Path("exchanges/hashing.py"),
    Path("queues/tail.py"),
    Path("queues/classic/ready.py"),
    Path("queues/stream/amqp10.py"),
    Path("queues/stream/fields.py"),
    Path("queues/stream/told.py"),
    Path("queues/stream/to_amqp10.py"),
    Path("queues/stream/from_amqp10.py"),
    Path("amqp_server/protocol/unacked.py"),
    Path("amqp_server/protocol/confirms.py"),
    Path("amqp_server/stream_protocol/publish_frame.py"),
    Path("persistence/record.py"),
    Path("persistence/codec.py"),
    Path("persistence/crc32.py"),
    Path("persistence/commit_thread.py"),
    Path("persistence/direct_memory.py"),
)
"""Another one needs a profile in the change that adds it."""

HOT_LINES_MAX = 450
KERNEL_LINES_MAX = 500
KERNELS_LINES_MAX = 5_830

FORBIDDEN = frozenset(
    {
        "amqp_server.broker",
        "amqp_server.settings",
        "asyncio",
        "click",
        "json",
        "logging",
        "os",
        "pamqp",
        "time",
        "uvloop",
        "yaml",
    }
)


def imports(module: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, also inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def policy_imports(module: ast.Module) -> list[str]:
    """Name the imports that a hot module must not have."""
    return [
        name
        for name in imports(module)
        if "settings" in name.split(".")
        or any(name == banned or name.startswith(f"{banned}.") for banned in FORBIDDEN)
    ]


@pytest.mark.parametrize("path", HOT_MODULES, ids=str)
def test_a_hot_module_stands_and_is_small(path: Path) -> None:
    assert path in files(), "not written, or moved without its row in HOT_MODULES"
    assert text_of(path).count("\n") <= HOT_LINES_MAX


@pytest.mark.parametrize("path", HOT_MODULES, ids=str)
def test_a_hot_module_holds_no_policy(path: Path) -> None:
    assert policy_imports(module_of(path)) == []


def test_only_hot_modules_have_a_compiled_form() -> None:
    compiled = {path for path in files() if path.suffix in {".pxd", ".pyx"}}
    kernels = {path.with_suffix("") for path in compiled}
    hot = {path.with_suffix("") for path in HOT_MODULES}
    assert {kernel.with_name(kernel.name.removeprefix("_")) for kernel in kernels} <= hot
    assert {".".join(kernel.parts) for kernel in kernels} == set(KERNELS)


def test_a_kernel_is_small_and_includes_nothing() -> None:
    sources = [path for path in files() if path.suffix == ".pyx"]
    for path in sources:
        assert text_of(path).count("\n") <= KERNEL_LINES_MAX, path
        assert "\ninclude " not in text_of(path), path
    assert sum(text_of(path).count("\n") for path in sources) <= KERNELS_LINES_MAX


@pytest.mark.parametrize(
    "line",
    [
        "import logging",
        "from queues.settings import QueueSettings",
        "from queues import settings",
        "def scan():\n    import time",
        "from amqp_server.broker.access.users import User",
    ],
)
def test_an_import_of_policy_is_seen(line: str) -> None:
    assert policy_imports(ast.parse(line)) != []


def test_an_import_of_values_is_left_alone() -> None:
    assert policy_imports(ast.parse("from persistence.record import Record\nimport struct")) == []
