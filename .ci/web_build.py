"""Builds the web UI into the package where it is missing, and node and its sources are at hand.

A source distribution holds what was built, so that a wheel made of it needs no node. Where neither
is at hand, the package is built without the web UI, and serves a page that says so.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "web"
BUILT = ROOT / "management" / "static" / "index.html"


def build_web_ui() -> None:
    """Build it, or say why the package will be without it."""
    if BUILT.exists() or not (SOURCES / "package-lock.json").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        print("no npm: the package will be without the web UI", file=sys.stderr)  # noqa: T201
        return
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=SOURCES, check=True, stdout=sys.stderr)  # noqa: S603
