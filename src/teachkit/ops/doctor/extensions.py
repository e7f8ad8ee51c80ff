"""Are nbgrader's extensions where they must be: in the environment that JupyterLab runs from?"""

import json
from pathlib import Path

from teachkit.course.condition import Check
from teachkit.extras import need
from teachkit.ops.doctor.jupyter import server_environments

SERVER = ("assignment_list", "validate_assignment")  # what students use
PREFIX = "nbgrader.server_extensions."
LAB = Path("share", "jupyter", "labextensions", "@jupyter", "nbgrader", "package.json")
SYSTEM = (Path("/usr/local/etc/jupyter"), Path("/etc/jupyter"))
ANYWAY = "Until then use nbgrader's commands in a terminal: nbgrader list, fetch_assignment, submit."


def extensions_check() -> Check:
    """Whether each JupyterLab at work shows nbgrader's tabs and buttons."""
    environments = server_environments()
    servers = [str(server) for server in environments]
    lacking = {str(server): what for server in environments if (what := _lacking(server))}
    details = {"servers": servers, "lacking": lacking}
    if not lacking:
        return Check("nbgrader", "ok", f"Its extensions are on in {', '.join(servers)}.", details=details)
    server, what = next(iter(lacking.items()))
    return Check(
        "nbgrader",
        "note",
        f"JupyterLab of {server} lacks {', '.join(what)}.",
        f"Install it there: {server}/bin/python -m pip install nbgrader. Start JupyterLab again. {ANYWAY}",
        details,
    )


def _lacking(server: Path) -> list[str]:
    """What an environment lacks, in words."""
    if not list(server.glob("lib/python3*/site-packages/nbgrader/__init__.py")):
        return ["the package nbgrader"]
    missing = [] if (server / LAB).is_file() else ["nbgrader's buttons and tabs"]
    switched = _switched(server)
    return [*missing, *(f"the extension {name}" for name in SERVER if not switched.get(PREFIX + name))]


def _switched(server: Path) -> dict[str, bool]:
    """Server extension → on or off, from the files that its Jupyter reads; the user's own come first."""
    user = Path(need("jupyter_core.paths", "lessons").jupyter_config_dir())
    switched: dict[str, bool] = {}
    for folder in (user, server / "etc" / "jupyter", *SYSTEM):
        files = [folder / "jupyter_server_config.json", *folder.glob("jupyter_server_config.d/*.json")]
        for file in files:
            for name, on in _extensions(file).items():
                switched.setdefault(name, on)
    return switched


def _extensions(file: Path) -> dict[str, bool]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return dict(content["ServerApp"]["jpserver_extensions"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
