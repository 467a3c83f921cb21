"""The build says what it does, does it once, and what it makes may be used by whoever has it."""

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tests.style.tree import ROOT, text_of


def project() -> dict[str, Any]:
    return tomllib.loads(text_of(Path("pyproject.toml")))


def dry_run(*arguments: str) -> str:
    """Return the commands that ``make`` would run, were the named files as they are said to be."""
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    command = ["make", "--no-print-directory", "--dry-run", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_licence_is_the_one_that_the_metadata_names() -> None:
    metadata = project()["project"]
    assert metadata["license"] == "Apache-2.0"
    assert metadata["license-files"] == ["LICENSE"]
    text = text_of(Path("LICENSE"))
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "Copyright 2026 The HareMQ authors" in text


def test_every_package_is_in_all_that_is_built() -> None:
    included = project()["tool"]["setuptools"]["packages"]["find"]["include"]
    built = (".ci/asan", ".ci/wheel-without-compiler", "docs/deploy/Dockerfile.dockerignore")
    for path in built:
        words = text_of(Path(path)).replace("!", " ").replace(")", " ").replace("(", " ").split()
        missing = [name for name in included if name.removesuffix("*") not in words]
        assert missing == [], path


def test_the_kernels_are_built_once_for_run_and_test() -> None:
    changed = "--what-if=pyproject.toml"
    assert dry_run(changed, "run", "venv").count("--editable .") == 1
    assert dry_run(changed, "run").count("--editable .") == 1
    after_run = dry_run(
        "--assume-old=.venv/.runtime-stamp", "--what-if=.venv/.runtime-stamp", "venv"
    )
    assert "--editable" not in after_run
    assert "haremq[dev]" in after_run


def test_the_build_says_what_takes_so_long() -> None:
    assert "compiling 20 kernels" in dry_run("--what-if=pyproject.toml", "run")


def test_the_web_ui_is_built_once_where_node_is_at_hand() -> None:
    built = "--assume-old=management/static/index.html"
    assert "npm run --prefix web build" in dry_run("--what-if=web/index.html", "web")
    assert "npm run" not in dry_run(built, "--assume-old=web/node_modules/.stamp", "wheel")
