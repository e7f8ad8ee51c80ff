"""What a reader sees while a network is trained."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from teachkit import mmpt
from teachkit.mmpt import live as module
from teachkit.mmpt.history import History
from teachkit.mmpt.live import Live


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What a notebook would show, state by state."""
    found: list[str] = []
    handle = SimpleNamespace(update=lambda page: found.append(page.data))
    monkeypatch.setattr(module, "someone_watches", lambda: True)
    monkeypatch.setattr(module, "in_notebook", lambda: True)
    monkeypatch.setattr(module, "_place", lambda: handle)
    monkeypatch.setattr(module, "SECONDS_APART", 0.0)
    monkeypatch.setattr("teachkit.training.progress.someone_watches", lambda: False)
    return found


def test_the_table_has_a_line_for_each_domain_with_its_progress_loss_auc_and_change():
    history = History(["lung <1>", "breast"], seen=[0, 0])
    live = Live(history, steps=4, wanted=False)
    live.begins(0, np.array([20, 10]))
    history.seen = [16, 0]
    assert '<progress value="16" max="20"></progress> 16 of 20' in live.table()
    assert "lung &lt;1&gt;" in live.table()
    assert live.table().count("<td>–</td>") == 6  # nothing was judged yet
    history.seen = [20, 10]
    history.scores += [
        {"domain": "lung <1>", "loss": 0.7, "val_auc": 0.61},
        {"domain": "breast", "loss": 0.5, "val_auc": 0.72},
    ]
    live.begins(1, np.array([20, 10]))
    assert "images of pass 2" in live.table()
    assert "0 of 20" in live.table()
    assert "<td>0.700</td><td>0.610</td><td>–</td>" in live.table()
    history.scores += [
        {"domain": "lung <1>", "loss": float("nan"), "val_auc": 0.66},
        {"domain": "breast", "loss": 0.4, "val_auc": 0.7},
    ]
    assert "<td>–</td><td>0.660</td><td>+0.050</td>" in live.table()
    assert "<td>0.400</td><td>0.700</td><td>-0.020</td>" in live.table()


def test_in_a_notebook_the_table_follows_the_run(four, tiny, shown):
    model = mmpt.pretrain(four, tiny, epochs=2, batch_size=16)
    assert len(shown) > model.history.steps
    last = [row["val_auc"] for row in model.history.scores[-4:]]
    assert all(f"<td>{auc:.3f}</td>" in shown[-1] for auc in last)
    assert "60 of 60" in shown[-1]


def test_nothing_is_shown_on_request_or_where_nobody_watches(four, tiny, shown, monkeypatch):
    monkeypatch.setattr("sys.stderr", err := io.StringIO())
    mmpt.pretrain(four, tiny, steps=2, batch_size=16, progress=False)
    monkeypatch.setattr(module, "someone_watches", lambda: False)
    mmpt.pretrain(four, tiny, steps=2, batch_size=16)
    assert shown == []
    assert err.getvalue() == ""
