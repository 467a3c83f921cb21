"""Coroutines of tests, each on a loop of its own."""

from tests.shovels.conftest import run

__all__ = ["run"]
