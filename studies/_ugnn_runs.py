"""One run of study 06: three networks, one fold of one set, one way of training, one learning rate."""

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from _ugnn_arms import BATCH_SIZE, COPIES, FOLDS, SETS, Cell
from torch import nn

from teachkit import data, metrics, ugnn


@lru_cache(maxsize=len(SETS) * len(FOLDS))
def clusters_of(key: str, fold: int) -> ugnn.Clusters:
    """One fold of one set; kept, because many runs need it one after the other."""
    setting = SETS[key]
    pool = data.load(setting.data, "train").join(data.load(setting.data, "val"))
    test = data.load(setting.data, "test")
    return ugnn.clusters(pool, test, by=setting.by, fold=fold, folds=len(FOLDS))


def run_cell(cell: Cell) -> dict[str, Any]:
    """Train as the cell says; score every network on validation and on the mixed test set."""
    torch.set_num_threads(1)  # of networks this small, more threads only wait for each other
    clusters = clusters_of(cell.set, cell.fold)
    run = ugnn.train_one(
        networks_of(cell, clusters),
        clusters,
        cell.way,
        epochs=cell.epochs,
        lr=cell.lr,
        batch_size=BATCH_SIZE,
    )
    last = clusters.steps_per_epoch(BATCH_SIZE)
    return {
        "steps": len(run.losses),
        "images": clusters.sizes,
        "loss": [round(float(loss), 4) for loss in run.losses[-last:].mean(axis=0)],
        "val": run.scores(clusters.val),
        "test": run.scores(clusters.test),
        **by_origin(run, clusters),
    }


def by_origin(run: ugnn.Run, clusters: ugnn.Clusters) -> dict[str, dict[str, dict[str, float]]]:
    """Weighted F1 of each network on test images like its own cluster, and on all others.

    Nothing for random clusters, where no test image belongs to one.
    """
    if clusters.test_cluster is None:
        return {}
    truth = clusters.test.labels[:, 0]
    found: dict[str, dict[str, dict[str, float]]] = {"own": {}, "others": {}}
    for k, (name, probabilities) in enumerate(zip(run.names, run.predict(clusters.test), strict=True)):
        guess, own = probabilities.argmax(1), clusters.test_cluster == k
        for where, rows in (("own", own), ("others", ~own)):
            found[where][name] = {"f1": metrics.weighted_f1(truth[rows], guess[rows])}
    return found


def networks_of(cell: Cell, clusters: ugnn.Clusters) -> Callable[[], dict[str, nn.Sequential]]:
    """What makes the networks of a cell; copies start with the same weights."""
    classes = len(clusters.test.info.classes)

    def make() -> dict[str, nn.Sequential]:
        if cell.union == "related":
            return ugnn.related_networks(1, classes)
        made = ugnn.reference_networks(1, classes, gnn=cell.union == "gnn")
        if cell.union == "copies":
            return {name: copy.deepcopy(made["CNN"]) for name in COPIES}
        return made

    return make
