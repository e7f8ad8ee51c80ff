"""A model-graph on disk: one npz file, written whole or not at all, and checked when it is read."""

import json
import zipfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from teachkit.errors import FormatError, GraphError
from teachkit.graphs.activations import ACTIVATIONS
from teachkit.graphs.checks import check
from teachkit.paths import atomic

if TYPE_CHECKING:
    from teachkit.graphs.record import ModelGraph

FORMAT, VERSION = "teachkit model-graph", 1


def save(graph: "ModelGraph", path: str | Path) -> Path:
    """Write `graph` to `path`; the name is kept as given."""
    arrays = {f"{part}.{name}": value for part in ("nodes", "edges") for name, value in _parts(graph, part)}
    arrays |= {name: getattr(graph, name) for name in ("values", "inputs", "outputs")}
    arrays |= {
        f"sources.{number}": layer.sources
        for number, layer in enumerate(graph.layers)
        if layer.sources is not None
    }
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "constant": graph.constant,
        "input_shape": graph.input_shape,
        "output_shape": graph.output_shape,
        "activations": ACTIVATIONS,
        "parameters": [asdict(parameter) for parameter in graph.parameters],
        "layers": [
            {f.name: getattr(layer, f.name) for f in fields(layer) if f.name != "sources"}
            for layer in graph.layers
        ],
    }
    stored = {name: value.detach().cpu().numpy() for name, value in arrays.items()}
    stored["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    path = Path(path)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **stored)  # type: ignore[arg-type]
    return path


def load(path: str | Path) -> "ModelGraph":
    """The graph saved at `path`.

    Raises:
        FormatError: when the file is damaged, is something else, or has a newer version.
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"There is no file '{path}'.", "Save a graph there first.", path=str(path))
    try:
        with np.load(
            path, allow_pickle=False
        ) as archive:  # a zip file: its checksums are verified on reading
            stored = {name: archive[name] for name in archive.files}
        header = json.loads(bytes(stored.pop("header")))
        if header["format"] != FORMAT:
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, type(error).__name__) from error
    if header["version"] != VERSION:
        raise FormatError(
            f"'{path}' has version {header['version']} of the format; this program reads {VERSION}.",
            "Convert the network again, or use the teachkit that wrote the file.",
            path=str(path),
            version=header["version"],
        )
    try:
        graph = _rebuild(header, {name: torch.from_numpy(value) for name, value in stored.items()})
        check(graph)
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError, GraphError) as error:
        raise _damaged(path, str(error)) from error
    return graph


def _rebuild(header: dict[str, Any], stored: dict[str, torch.Tensor]) -> "ModelGraph":
    from teachkit.graphs.record import Edges, Layer, ModelGraph, Nodes, Parameter

    known = tuple(header["activations"])
    if known != ACTIVATIONS[: len(known)]:
        raise ValueError("its activations are numbered in another order")
    return ModelGraph(
        nodes=Nodes(**{f.name: stored[f"nodes.{f.name}"] for f in fields(Nodes)}),
        edges=Edges(**{f.name: stored[f"edges.{f.name}"] for f in fields(Edges)}),
        values=stored["values"],
        parameters=tuple(
            Parameter(entry["name"], tuple(entry["shape"]), entry["offset"]) for entry in header["parameters"]
        ),
        layers=tuple(
            Layer(**(entry | {"shape": tuple(entry["shape"])}), sources=stored.get(f"sources.{number}"))
            for number, entry in enumerate(header["layers"])
        ),
        inputs=stored["inputs"],
        outputs=stored["outputs"],
        input_shape=tuple(header["input_shape"]),
        output_shape=tuple(header["output_shape"]),
        constant=header["constant"],
        name=header["name"],
    )


def _parts(graph: "ModelGraph", part: str) -> list[tuple[str, torch.Tensor]]:
    record = getattr(graph, part)
    return [(f.name, getattr(record, f.name)) for f in fields(record)]


def _damaged(path: Path, why: str) -> FormatError:
    return FormatError(
        f"'{path}' is not a whole model-graph file ({why}).",
        "Copy it again, or convert the network again.",
        path=str(path),
    )
