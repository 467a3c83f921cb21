"""The build backend: setuptools', with the web UI built first and the kernels side by side.

Cython translates in processes, and the C compiler runs in one thread for each core. Where there is
no compiler, each kernel is left out as ``optional`` in pyproject.toml says, and the twins run.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

from Cython.Build import cythonize
from setuptools import Extension, build_meta
from setuptools.build_meta import *  # noqa: F403 -- a backend is its functions
from setuptools.command.build_ext import build_ext
from web_build import build_web_ui


class BuildKernels(build_ext):
    """Builds all extension modules, as many at a time as there are cores."""

    def finalize_options(self) -> None:
        """Take what the command line says; where it says nothing, all cores."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = len(os.sched_getaffinity(0))

    def build_extensions(self) -> None:
        """Translate every kernel that is older than its source, then compile."""
        pending = list(self.extensions)
        with ProcessPoolExecutor(max_workers=self.parallel) as translators:
            sources = list(translators.map(_translate, pending))
        for extension, translated in zip(pending, sources, strict=True):
            extension.sources = translated
        super().build_extensions()


def _translate(extension: Extension) -> list[str]:
    (translated,) = cythonize([extension], quiet=True)
    return list(translated.sources)


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, object] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel with the web UI in it (PEP 517)."""
    build_web_ui()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Mapping[str, object] | None = None) -> str:
    """Build a source distribution that holds the web UI as it was built (PEP 517)."""
    build_web_ui()
    return build_meta.build_sdist(sdist_directory, config_settings)
