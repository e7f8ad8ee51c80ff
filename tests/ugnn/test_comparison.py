"""Ways to train: same start and batches for all, solo means nothing shared, and scores add up."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from torch import nn

from teachkit import graphs, metrics, ugnn
from teachkit.errors import SettingsError, TrainingError, UnknownNameError
from teachkit.training.seeds import seeded
from teachkit.ugnn.ways import apart

SHORT = {"epochs": 2, "lr": 0.01, "batch_size": 16}


@pytest.fixture
def clusters(digits):
    return ugnn.clusters(*digits, by="random")


@pytest.fixture
def folds(digits):
    return [ugnn.clusters(*digits, by="random", fold=fold) for fold in range(2)]


def as_tensor(images) -> torch.Tensor:
    return torch.tensor(images).unsqueeze(1).float() / 255


def test_plain_networks_learn_what_each_learns_in_a_torch_loop_of_its_own(networks, clusters):
    run = ugnn.train_one(networks, clusters, "plain", schedule=None, **SHORT)
    with seeded(0):
        fresh = list(networks().values())
    for k, network in enumerate(fresh):
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
        part = clusters.train[k]
        for rows in clusters.batches(16, 2, seed=0):
            optimizer.zero_grad()
            out = network(as_tensor(part.images[rows[k]]))
            F.cross_entropy(out, torch.tensor(part.labels[rows[k], 0])).backward()
            optimizer.step()
        expected = network(as_tensor(clusters.test.images)).softmax(1)
        assert np.allclose(run.predict(clusters.test)[k], expected.detach(), atol=1e-5)


@pytest.mark.parametrize("groups", ["edge", "kernel"])
def test_a_solo_way_gives_what_each_model_learns_as_a_ugnn_of_its_own(networks, clusters, groups):
    run = ugnn.train_one(networks, clusters, {"kind": "solo", "groups": groups}, **SHORT)
    with seeded(0):
        fresh = list(networks().values())
    for k, network in enumerate(fresh):
        alone = ugnn.UGNN(graphs.unite([graphs.model_graph(network, torch.zeros(1, 1, 28, 28))]), groups)
        optimizer = torch.optim.AdamW(alone.parameters(), lr=0.01)
        steps = list(clusters.batches(16, 2, seed=0))
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(steps))
        part = clusters.train[k]
        for rows in steps:
            optimizer.zero_grad()
            (out,) = alone(as_tensor(part.images[rows[k]]))
            F.cross_entropy(out, torch.tensor(part.labels[rows[k], 0])).backward()
            optimizer.step()
            rate.step()
        (expected,) = alone.eval()(as_tensor(clusters.test.images))
        assert np.allclose(run.predict(clusters.test)[k], expected.softmax(1).detach(), atol=1e-5)


def test_groups_that_are_cut_apart_never_cross_models(networks):
    union = graphs.unite(graphs.model_graph(n, torch.zeros(1, 1, 28, 28)) for n in networks().values())
    model = ugnn.UGNN(union, 5)
    cut = apart(model.groups, union)
    for groups, owner, before in (
        (cut.edges, model.edge_owner, model.groups.edges),
        (cut.biases, model.bias_owner, model.groups.biases),
    ):
        owners = [set(owner[groups == g].tolist()) for g in groups.unique()]
        assert all(len(found) == 1 for found in owners)
        assert (
            len(owners)
            == int(groups.max()) + 1
            == len(set(zip(owner.tolist(), before.tolist(), strict=True)))
        )


def test_pooled_networks_see_the_images_of_all_clusters_in_as_many_steps(networks, clusters):
    pooled = ugnn.train_one(networks, clusters, "pooled", **SHORT)
    plain = ugnn.train_one(networks, clusters, "plain", **SHORT)
    assert pooled.losses.shape == plain.losses.shape
    with seeded(0):
        first = networks()["first"]
    rows = next(clusters.batches(16, 2, seed=0))
    x = torch.cat([as_tensor(part.images[r]) for part, r in zip(clusters.train, rows, strict=True)])
    y = torch.cat([torch.tensor(part.labels[r, 0]) for part, r in zip(clusters.train, rows, strict=True)])
    assert pooled.losses[0, 0] == pytest.approx(F.cross_entropy(first(x), y).item(), rel=1e-5)


def test_all_ways_start_from_the_same_weights_and_leave_those_of_others_alone(networks, clusters):
    ways = {"plain": "plain", "again": "plain", "joint": "joint"}
    found = ugnn.compare(networks, [clusters], ways, **SHORT)
    assert np.array_equal(found.run("plain").losses, found.run("again").losses)
    softened = ugnn.train_one(networks, clusters, {"kind": "joint"}, **SHORT).losses
    assert np.array_equal(found.run("joint").losses, softened)


def test_a_loss_weight_of_zero_leaves_its_model_where_it_was(networks, clusters):
    with seeded(0):
        union = graphs.unite(graphs.model_graph(n, torch.zeros(1, 1, 28, 28)) for n in networks().values())
    model = ugnn.UGNN(union, scales="per_model")
    ugnn.fit(model, clusters, epochs=1, lr=0.01, weight_decay=0, loss_weights=[1, 0, 1], batch_size=16)
    moved = (model.theta - 1).abs()
    assert not moved[model.edge_owner == 1].any()
    assert moved[model.edge_owner == 0].any()


def test_scores_are_those_of_scikit_learn(networks, clusters):
    run = ugnn.train_one(networks, clusters, "plain", **SHORT)
    truth = clusters.test.labels[:, 0]
    for name, found in zip(run.names, run.predict(clusters.test), strict=True):
        scores, guess = run.scores(clusters.test)[name], found.argmax(1)
        assert scores["f1"] == pytest.approx(f1_score(truth, guess, average="weighted"))
        assert scores["balacc"] == pytest.approx(balanced_accuracy_score(truth, guess))
        assert scores["auc"] == pytest.approx(roc_auc_score(truth, found, multi_class="ovr"), abs=1e-6)


def test_tables_and_differences_are_means_over_folds(networks, folds):
    found = ugnn.compare(networks, folds, {"plain": "plain", "joint": {"kind": "joint", "lr": 0.1}}, **SHORT)
    assert len(found.scores) == 2 * 2 * 3
    assert found.table.loc["plain", "mean"] == pytest.approx(found.table.loc["plain"].iloc[:3].mean())
    change = found.values("joint", "auc", "second") - found.values("plain", "auc", "second")
    assert found.difference("joint", "plain", "auc", "second") == metrics.t_interval(change)
    assert "joint" in found.plot("balacc").alt


def test_a_rate_of_its_own_is_used_and_kept_in_the_settings():
    way = ugnn.Way.of({"kind": "joint", "groups": 7, "lr": 0.5})
    assert way.settings() == {"kind": "joint", "rule": "fixed", "groups": 7, "lr": 0.5}
    assert ugnn.Way.of("plain").settings() == {"kind": "plain", "lr": None}


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("together", "No way 'together'"),
        ({"kind": "joint", "group": 3}, "no setting 'group'"),
        ({"rule": "fixed"}, "says no kind"),
    ],
)
def test_an_unknown_way_is_named(way, said):
    with pytest.raises(SettingsError, match=said):
        ugnn.Way.of(way)


def test_names_that_are_not_there_are_answered_with_the_nearest(networks, folds):
    found = ugnn.compare(networks, folds[:1], {"plain": "plain"}, **SHORT)
    for ask in (
        lambda: found.values("plane"),
        lambda: found.values("plain", "acc"),
        lambda: found.values("plain", "f1", "fourth"),
        lambda: found.run("joint"),
    ):
        with pytest.raises(UnknownNameError):
            ask()


def test_as_many_networks_as_clusters_are_asked_for(digits, networks):
    two = ugnn.clusters(*digits, models=2, by="random")
    with pytest.raises(SettingsError, match="3 networks and 2 clusters"):
        ugnn.train_one(networks, two, "plain", **SHORT)


def test_nothing_to_compare_and_wrong_weights_are_refused(networks, clusters):
    with pytest.raises(SettingsError, match="nothing to compare"):
        ugnn.compare(networks, [clusters], {}, **SHORT)
    for weights in ([1, 1], [1, -1, 1]):
        with pytest.raises(SettingsError, match="loss weights"):
            ugnn.train_one(networks, clusters, "plain", loss_weights=weights, **SHORT)
    with pytest.raises(SettingsError, match="0 epochs"):
        ugnn.train_one(networks, clusters, "plain", epochs=0, lr=0.1)


def test_a_loss_that_is_no_number_stops_the_run_with_its_cluster_and_rate(networks, clusters):
    def broken():
        made = copy.deepcopy(networks())
        nn.init.constant_(made["third"][-1].weight, float("nan"))
        return made

    with pytest.raises(TrainingError, match=r"step 0 the loss on cluster 3 .*"):
        ugnn.train_one(broken, clusters, "plain", **SHORT)


def test_joined_comparisons_give_the_same_differences_and_refuse_other_folds(networks, folds):
    first = ugnn.compare(networks, folds, {"plain": "plain"}, **SHORT)
    second = ugnn.compare(networks, folds, {"solo": "solo"}, **SHORT)
    both = first.joined(second)
    gaps = second.values("solo") - first.values("plain")
    assert both.difference("solo", "plain")[0] == pytest.approx(gaps.mean())
    picture = both.plot_differences({"solo - plain": ("solo", "plain")})
    assert f"mean, solo - plain {gaps.mean():+.3f}" in picture.alt
    with pytest.raises(SettingsError, match="Both comparisons have 'plain'"):
        both.joined(first)
    with pytest.raises(SettingsError, match="cannot be paired"):
        first.joined(ugnn.compare(networks, folds[:1], {"other": "plain"}, **SHORT))
