"""All kernels or none, and pyproject builds just those that are named."""

import importlib.util
import os
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from persistence import kernels
from tests.support.twins import REQUIRE_COMPILED, needs_kernels


def built(present: set[str]) -> "object":
    """Return a ``find_spec`` for an installation that has these kernels."""

    def find_spec(name: str) -> ModuleSpec | None:
        return importlib.util.find_spec("persistence.record") if name in present else None

    return find_spec


def test_this_run_is_the_build_it_promised() -> None:
    if REQUIRE_COMPILED in os.environ:
        assert kernels.build_name() == "compiled"
    if kernels.INTERPRETED_VARIABLE in os.environ:
        assert kernels.build_name() == "interpreted"


def test_a_mixture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.INTERPRETED_VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "find_spec", built(set(kernels.KERNELS[1:])))
    with pytest.raises(kernels.MixedBuildError, match=kernels.KERNELS[0]):
        kernels.are_built()


@pytest.mark.parametrize(("present", "compiled"), [(set(kernels.KERNELS), True), (set(), False)])
def test_all_or_none_decide(
    monkeypatch: pytest.MonkeyPatch, present: set[str], compiled: bool
) -> None:
    monkeypatch.delenv(kernels.INTERPRETED_VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "find_spec", built(present))
    assert kernels.are_built() is compiled


def test_the_environment_keeps_kernels_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.INTERPRETED_VARIABLE, "1")
    monkeypatch.setattr(kernels, "find_spec", built(set(kernels.KERNELS)))
    assert kernels.are_built() is False


def test_pyproject_builds_just_the_kernels() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())
    modules = project["tool"]["setuptools"]["ext-modules"]
    assert tuple(module["name"] for module in modules) == kernels.KERNELS
    assert all(module["optional"] for module in modules), "without a compiler the twins run"
    for module in modules:
        assert [Path(source).exists() for source in module["sources"]] == [True]


@needs_kernels
def test_no_kernel_is_older_than_its_source() -> None:
    for name in kernels.KERNELS:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(*name.split(".")).with_suffix(".pyx")
        if Path(spec.origin).parent.resolve() == source.parent.resolve():
            newer = Path(spec.origin).stat().st_mtime >= source.stat().st_mtime
            assert newer, f"{name} is older than its source: run `make venv`"


@needs_kernels
def test_every_kernel_loads() -> None:
    kernels.verify()
