"""What a kind of queue does is asked of its row; only the table knows which kinds there are.

That is what makes another kind a folder and a row (docs/adr/0026).
"""

import ast
from pathlib import Path

from tests.style.tree import module_of, source_files

TABLE = Path("queues/kinds.py")
FOLDERS = frozenset({"classic", "stream"})
"""Of ``queues``: one for each engine."""

WITHOUT_A_KIND = frozenset({"deduplication", "delayed"})
"""Stands on the engine of classic queues, and is no kind of queue: clients do not see it."""

ROWS = frozenset({"CLASSIC", "QUORUM", "STREAM"})


def knows_kinds(path: Path, module: ast.Module) -> list[str]:
    """Return what a module imports of the table's rows, or of an engine's folder."""
    if path == TABLE or path.parts[:2] in {
        ("queues", folder) for folder in FOLDERS | WITHOUT_A_KIND
    }:
        return []
    if path.parts[0] == "benchmarks":
        return []  # What is measured alone is named.
    found: list[str] = []
    for node in ast.walk(module):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        names = {alias.name for alias in node.names}
        if node.module == "queues.kinds":
            found += sorted(names & ROWS)
        if f"{node.module}.".startswith(tuple(f"queues.{folder}." for folder in FOLDERS)):
            found.append(node.module)
    return found


def test_only_the_table_knows_which_kinds_there_are() -> None:
    knowing = {str(path): knows_kinds(path, module_of(path)) for path in source_files()}
    assert {path: names for path, names in knowing.items() if names} == {}


def test_an_import_of_a_row_or_an_engine_is_seen() -> None:
    text = "from queues.kinds import KINDS, QUORUM\nfrom queues.classic.queue import ClassicQueue"
    assert knows_kinds(Path("amqp_server/broker/vhost.py"), ast.parse(text)) == [
        "QUORUM",
        "queues.classic.queue",
    ]
    assert knows_kinds(TABLE, ast.parse(text)) == []


def test_every_folder_has_an_engine_in_the_table() -> None:
    inside = [path for path in source_files() if path.parts[0] == "queues" and len(path.parts) > 2]
    assert {path.parts[1] for path in inside} == FOLDERS | WITHOUT_A_KIND
