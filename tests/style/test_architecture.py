"""The pictures of the floors show the import contracts; the table of what to add is whole."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.style.tree import files, text_of

ARCHITECTURE = Path("docs/ARCHITECTURE.md")
PICTURES = {ARCHITECTURE: "The picture", Path("CONTRIBUTING.md"): "The floors"}
PACKAGES = (
    "amqp_server",
    "exchanges",
    "queues",
    "persistence",
    "management",
    "cluster",
    "command_line",
)
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME_OF_PATH = re.compile(r"`[\w/.<>-]+")

ADDED = (
    "a method of AMQP",
    "a queue argument",
    "an exchange type",
    "a kind of queue",
    "a setting",
    "a protocol",
    "an HTTP route",
    "a kind of definition",
    "a counter of a queue",
    "an event that tells what comes or goes",
    "a view",
    "an admin command",
)
"""What a reader must find a place for."""


def section_of(text: str, heading: str) -> str:
    """Return what stands below a heading of the second rank."""
    _, _, below = text.partition(f"\n## {heading}\n")
    return re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0]


def drawn(block: str) -> list[frozenset[str]]:
    """Return the names on the left of each line of a picture; what stands to the right is prose."""
    lefts = [re.split(r" {2,}", line.strip(), maxsplit=1)[0] for line in block.splitlines()]
    return [frozenset(re.split(r" [│|] ", left)) for left in lefts if left]


def floors_of(layers: Sequence[str]) -> list[frozenset[str]]:
    """Return the floors of an import contract, from the top; without ``amqp_server`` in front."""
    return [
        frozenset(name.strip(" ()") for name in re.sub(r"amqp_server\.(?!_)", "", layer).split("|"))
        for layer in layers
    ]


def contracts() -> list[dict[str, Any]]:
    """Return the import contracts of pyproject.toml."""
    settings = tomllib.loads(text_of(Path("pyproject.toml")))["tool"]["importlinter"]
    found: list[dict[str, Any]] = settings["contracts"]
    return found


def floors() -> list[frozenset[str]]:
    """Return the floors as ``lint-imports`` holds them."""
    [layers] = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]
    return floors_of(layers)


def seen_by_management() -> set[str]:
    """Return the files that management may import, as ``lint-imports`` holds it."""
    [imports] = [
        contract["ignore_imports"]
        for contract in contracts()
        if contract.get("source_modules") == ["management"]
    ]
    return {f"{each.partition(' -> ')[2].replace('.', '/')}.py" for each in imports}


def rooms() -> list[str]:
    """Return the folders inside the packages, as ``package/room``."""
    folders = {path.parent for path in files() if path.name == "__init__.py"}
    parts = [path.parts for path in folders if path.parts and path.parts[0] in PACKAGES]
    inside = [each[1:] if each[0] == "amqp_server" else each for each in parts]
    return sorted("/".join(each) for each in inside if len(each) > 1)


def rows_of(table: str) -> list[list[str]]:
    """Return the cells of each row of a table, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def unfinished(row: Sequence[str]) -> list[str]:
    """Return what a row of the table lacks: a place and a test, unless they are to come."""
    what, place, _, test = row
    lacks = []
    if not (NAME_OF_PATH.search(place) or place.startswith("to come")):
        lacks.append(f"{what}: no file that the row is in")
    if not ("`tests/" in test or "to come" in test):
        lacks.append(f"{what}: no test that holds it")
    return lacks


@pytest.mark.parametrize("document", PICTURES, ids=str)
def test_the_picture_has_the_floors_of_the_contracts(document: Path) -> None:
    picture = BLOCK.findall(section_of(text_of(document), PICTURES[document]))[0]
    assert drawn(picture) == floors(), (
        f'draw in {document}, "{PICTURES[document]}", the floors that pyproject.toml has, one a'
        " line; what is on one floor is parted by │, and two spaces go before what is said of it"
    )


def test_the_rooms_are_those_of_the_packages() -> None:
    picture = BLOCK.findall(section_of(text_of(ARCHITECTURE), "The picture"))[1]
    assert sorted(*zip(*drawn(picture), strict=True)) == rooms(), (
        f"name in the second picture of {ARCHITECTURE} each folder inside a package, one a line"
    )


def test_all_that_is_added_now_and_then_has_its_place() -> None:
    rows = rows_of(section_of(text_of(ARCHITECTURE), "Where to add what"))
    assert [what for what in ADDED if what not in {row[0] for row in rows}] == []
    assert [lack for row in rows for lack in unfinished(row)] == []


def test_an_http_route_may_see_what_the_contract_lets_it_see() -> None:
    rows = rows_of(section_of(text_of(ARCHITECTURE), "Where to add what"))
    [beside] = [row[2] for row in rows if row[0] == "an HTTP route"]
    named = set(re.findall(r"`(amqp_server/[\w/]+\.py)`", beside))
    assert named == seen_by_management(), f'"an HTTP route" in {ARCHITECTURE} names what it may see'


def test_a_row_without_a_place_or_a_test_is_seen() -> None:
    table = (
        "| a | b | c | d |\n|---|---|---|---|\n| x | `a/b.py::C` | | `tests/x.py` |\n| y | | | |"
    )
    whole, empty = rows_of(table)
    assert unfinished(whole) == []
    assert unfinished(empty) == ["y: no file that the row is in", "y: no test that holds it"]


def test_another_floor_is_seen() -> None:
    picture = " amqp_server.__main__   the start\n  a │ b    two\n"
    assert drawn(picture) == floors_of(["amqp_server.__main__", "(amqp_server.a) | b"])
    assert drawn(picture) != floors_of(["a | b", "amqp_server.__main__"])
