"""Helper package of a course on deep learning for biomedical images.

The subpackages are the rooms of the course; each loads on first use, so ``import teachkit`` costs nothing.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "big",
    "course",
    "data",
    "graphs",
    "hyperinit",
    "metrics",
    "mmpt",
    "plots",
    "tabular",
    "training",
    "ugnn",
    "vision",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"teachkit.{name}")
    raise AttributeError(f"module 'teachkit' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
