"""One door for optional packages: the module, or one line that says how to install it."""

from importlib import import_module
from types import ModuleType

from teachkit.errors import MissingExtraError


def need(module: str, extra: str) -> ModuleType:
    """Import `module`, which the optional dependency group `extra` brings.

    Raises:
        MissingExtraError: naming the pip command, when the package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingExtraError(
            f"This needs the package '{top}', which is not installed.",
            f'Install it with: pip install "teachkit[{extra}]"',
            module=module,
            extra=extra,
        ) from error
