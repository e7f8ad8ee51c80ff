"""`import teachkit` is instant, and the public names survive being asked for twice."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "matplotlib",
    "sklearn",
    "skimage",
    "google.auth",  # google.cloud itself is an empty package, which one of its parts loads at every start
    "nbgrader",
    "papermill",
)


def run(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    return set(run(code).split())


@pytest.mark.parametrize("statement", ["import teachkit", "import teachkit.cli", "from teachkit import data"])
def test_import_loads_nothing_heavy(statement):
    assert loaded_by(statement) == set()


def test_the_heavy_import_check_can_fail():
    assert "torch" in loaded_by("import teachkit.training")


@pytest.mark.parametrize("room", ["big", "course", "data", "metrics", "cloud", "plots"])
def test_rooms_of_servers_and_classrooms_never_load_torch(room):
    assert "torch" not in loaded_by(f"import teachkit.{room}")


PUBLIC = {
    "data": [
        "load",
        "first_available",
        "register_folder",
        "import_folder",
        "audit_splits",
        "weights_path",
        "Split",
        "Info",
    ],
    "training": ["fit", "evaluate", "predict", "compare", "Arm"],
    "tabular": ["models", "repeat_splits", "leak_detective", "formula", "features"],
    "metrics": ["conformal_margin", "interval_coverage"],
    "vision": ["Classifier"],
    "big": ["score", "read_predictions", "write_predictions", "find_suite", "over_runs"],
    "graphs": ["trace", "model_graph", "unite", "cell_graph"],
    "ugnn": ["UGNN", "Groups", "reference_networks"],
    "hyperinit": ["HyperInitializer", "architecture_graph"],
    "mmpt": ["pretrain", "compare"],
    "plots": ["images", "curves", "descent", "explore_threshold"],
    "course": ["preflight", "record", "self_check", "closing", "model_card", "place_results"],
}


@pytest.mark.parametrize("room", PUBLIC)
def test_public_names_are_callable_however_often_they_are_asked_for(room):
    names = PUBLIC[room]
    code = f"""
import importlib, pkgutil, teachkit
room = getattr(teachkit, {room!r})
for name in {names!r}:
    assert callable(getattr(room, name)), name
for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(room.__name__ + "." + module.name)
for name in {names!r}:
    assert callable(getattr(room, name)), name + " became a module"
"""
    run(code)


def test_unknown_room_is_an_attribute_error():
    import teachkit

    with pytest.raises(AttributeError, match="kitchen"):
        _ = teachkit.kitchen
