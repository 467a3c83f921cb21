"""The README's figures are those of the page that says how they were measured."""

import re
from pathlib import Path

from tests.style.tree import text_of

ROW = re.compile(r"^\| [^|]+ \| (`[\w-]+`) \| ([\d,.]+) \| ([\d,.]+) \|$", re.MULTILINE)
MEASURED = re.compile(r"^\| (`[\w-]+`) \| \w+ \| ([\d,.]+) \| ([\d,.]+) \| [^|]+ \|", re.MULTILINE)


def test_the_readme_shows_what_was_measured() -> None:
    shown = ROW.findall(text_of(Path("README.md")))
    measured = MEASURED.findall(text_of(Path("docs/BENCHMARKS.md")))
    assert len(shown) > 5
    assert [row for row in shown if row not in measured] == []
