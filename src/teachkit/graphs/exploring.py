"""Choose a neuron and see what it depends on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from teachkit import plots
from teachkit.graphs.drawing import field_of, wiring

if TYPE_CHECKING:
    from teachkit.graphs.fields import ReceptiveField
    from teachkit.graphs.record import ModelGraph


class NeuronExplorer(plots.Explorer):
    """A menu of layers and sliders for the place in it, and always the same facts as a picture and a table.

    Attributes:
        table: one row for each neuron of the picture.
        picture: the static twin.
    """

    def __init__(self, graph: "ModelGraph", nodes: Sequence[int], title: str = "") -> None:
        self._graph = graph
        self._wiring = wiring(graph)
        self._title = title or graph.name
        chosen = list(nodes) or _telling(graph)
        self.picture = self._draw(chosen)
        self.table = pd.DataFrame([self._row(node) for node in chosen])

    def at(self, node: int) -> "ReceptiveField":
        """What neuron `node` depends on; `.sentence` says it in words."""
        return self._graph.receptive_field(node)

    def widget(self) -> Any:
        """Menu, sliders, one picture and one sentence; keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        wide = {"layout": widgets.Layout(width="30em"), "style": {"description_width": "8em"}}
        layers = [(f"{one.name}: {' × '.join(map(str, one.shape))}", one.name) for one in self._graph.layers]
        layer = widgets.Dropdown(options=layers, value=layers[-1][1], description="layer", **wide)
        places = [widgets.IntSlider(0, description=name, continuous_update=False, **wide) for name in _NAMES]
        view = widgets.HTML()

        def resize(_: Any = None) -> None:
            shape = self._graph.layer(layer.value).shape
            for slider, size in zip(places, [*shape, *[1] * len(places)], strict=False):
                slider.value = min(slider.value, size - 1)
                slider.max = size - 1
                slider.disabled = size == 1
            follow()

        def follow(_: Any = None) -> None:
            shape = self._graph.layer(layer.value).shape
            node = self._graph.node_at(layer.value, *(slider.value for slider in places[: len(shape)]))
            view.value = f"<p>{self.at(node).sentence}</p>{self._draw([node]).html}"

        layer.observe(resize, "value")
        for slider in places:
            slider.observe(follow, "value")
        resize()
        return widgets.VBox([layer, *places, view])

    def _draw(self, nodes: Sequence[int]) -> plots.Picture:
        fields = [field_of(self._graph, node, self._wiring) for node in nodes]
        return plots.lit_neurons(self._wiring, fields, apart=True, title=self._title)

    def _row(self, node: int) -> dict[str, Any]:
        field = self.at(node)
        return {
            "node": node,
            "where": self._wiring.place_in_block(node),
            "inputs": len(field.inputs),
            "edges": field.num_edges,
            "numbers": field.num_weights,
        }


_NAMES = ("channel or number", "row", "column", "further")


def _telling(graph: "ModelGraph") -> list[int]:
    """A corner and a middle neuron of the last layer of maps, if there is one, and the first output."""
    maps = [layer for layer in graph.layers if len(layer.shape) == 3 and layer.level > 0]
    chosen = []
    if maps:
        last = maps[-1]
        rows, columns = last.shape[1:]
        chosen = [last.first_node, last.first_node + rows // 2 * columns + columns // 2]
    return list(dict.fromkeys([*chosen, int(graph.outputs[0])]))
