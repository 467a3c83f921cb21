"""The reference of the commands is that of the commands."""

import subprocess
import sys
from pathlib import Path

from command_line.catalogue import COMMANDS
from command_line.reference import reference

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli-commands.md"


def test_the_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == reference(), "python -m command_line > docs/cli-commands.md"


def test_it_has_all_commands() -> None:
    assert all(f"### `haremq {name}" in reference() for name in COMMANDS)


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "command_line"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == reference()
