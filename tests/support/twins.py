"""Both builds of a hot module in one process: its twin is loaded from the source."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest

from persistence import kernels

REQUIRE_COMPILED = "REQUIRE_COMPILED"

needs_kernels = pytest.mark.skipif(
    not kernels.COMPILED and REQUIRE_COMPILED not in os.environ, reason="no kernels are built here"
)


def twin_of(name: str) -> ModuleType:
    """Return the interpreted form of a hot module, whatever build the process runs."""
    path = Path(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"twin_of_{name.replace('.', '_')}", path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    with patch.object(kernels, "COMPILED", new=False):
        spec.loader.exec_module(module)
    return module
