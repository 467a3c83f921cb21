"""The checks, one module per method or feature; ``load`` registers them all."""

import importlib
import pkgutil


def load() -> None:
    """Import every module of checks."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
