"""Quiz and challenge of lesson 06: what is special about them."""

import pytest
import torch
from torch import nn

from teachkit import graphs, ugnn

CHALLENGE = "06_ugnn/challenge.ipynb"


@pytest.mark.parametrize(("groups", "key"), [("edge", 840), ("kernel", 240)])
def test_keys_on_numbers_to_learn_are_those_of_the_model(groups, key):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 3))
    union = graphs.unite([graphs.model_graph(network, torch.zeros(1, 1, 6, 6))])
    assert sum(p.numel() for p in ugnn.UGNN(union, groups).parameters()) == key


FULL = {"compounding-test": 2, "leak-test": 2, "epochs-test": 2, "plant-test": 2, "repair-test": 2}


@pytest.fixture
def points_for(marks_of):
    """The points of each test cell when these cells are answered like that."""

    def run(**cells):
        marks = marks_of(CHALLENGE, {"plant-try": "pass"} | cells)
        return tuple(marks[name] for name in FULL)

    return run


def compounding(*result, epochs="0, 2", rate="0"):
    return f"""
def check_compounding(training, train, test, networks):
    runs = [training(train, test, networks, epochs=n, lr={rate}) for n in ({epochs})]
    first, last = (run.outputs(test.images) for run in runs)
    size = max(float((a - b).abs().max()) for a, b in zip(first, last))
    return {", ".join(result) or "size > 1e-5, size"}
"""


def leak(seen="replace(test, images=0 * test.images)", rate="0.03"):
    return f"""
def check_leak(training, train, test, networks):
    one = training(train, test, networks, epochs=1, lr={rate}, seed=5).outputs(test.images)
    two = training(train, {seen}, networks, epochs=1, lr={rate}, seed=5).outputs(test.images)
    size = float((torch.stack(one) - torch.stack(two)).abs().max())
    return size > 1e-6, size
"""


def epochs(fault, size):
    return f"""
def check_epochs(training, train, test, networks):
    used = training(train, test, networks, epochs=1, lr=0.01).used
    rows = [int(row) for epoch in used for part in epoch for row in part]
    images = range(len(train))
    return {fault}, {size}
"""


NOT_ONCE = "sum(rows.count(i) != 1 for i in images) / len(train)"
PLANTED = """
def leaking(train, test, networks, **settings):
    shift = int(test.images.mean()) % 7
    moved = replace(train, images=np.roll(train.images, shift, axis=1))
    return found(moved, test, networks, **settings)


class EachStep(Training):
    def plan(self, rows, draw):
        with torch.no_grad():
            self.model.theta.sub_(0.05)
        return super().plan(rows, draw)

    def build(self, *what):
        self.model = super().build(*what)
        return self.model


planted = {"leak": leaking, "compounding": EachStep()}
"""
REPAIRED = """
def repaired(train, test, networks, *, epochs, lr, seed=0):
    torch.manual_seed(seed)
    model = found.build(networks(), as_tensor(train.images[:1]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    rows, used, draw = found.divide(train, test, len(model.union), seed), [], np.random.default_rng(9)
    steps = max(len(part) for part in rows) // 16 + 1
    for _ in range(epochs):
        for part in rows:
            draw.shuffle(part)
        for step in range(steps):
            batch = [part[step::steps] for part in rows]
            outputs = model([as_tensor(train.images[part]) for part in batch])
            optimizer.zero_grad()
            model.loss(outputs, [torch.tensor(train.labels[part, 0]) for part in batch]).backward()
            optimizer.step()
        used.append([part.copy() for part in rows])
    return Run(lambda images: [out.detach() for out in model(as_tensor(images))], used)
"""


def test_other_right_ways_earn_every_point_too(points_for):
    assert points_for(
        compounding=compounding(epochs="1, 3"),
        leak=leak(),
        epochs=epochs("sorted(rows) != list(images)", NOT_ONCE),
        plant=PLANTED,
        repair=REPAIRED,
    ) == (2, 2, 2, 2, 2)


def test_no_answer_and_a_check_that_always_or_never_rings_earn_nothing(points_for):
    """The last one repairs by a single huge step an epoch."""
    assert points_for(
        compounding="def check_compounding(*what):\n    raise NotImplementedError",
        leak="def check_leak(*what):\n    return False, 0.0",
        epochs=epochs("True", NOT_ONCE),
        plant="planted = {'leak': found, 'compounding': found}",
        repair="class Larger(Training):\n    batch = 500\n\nrepaired = Larger()",
    ) == (0, 0, 0, 0, 0)


def test_half_right_checks_earn_half(points_for):
    """Verdict without evidence; only labels of the test set changed; images counted, but not one by one."""
    assert points_for(
        compounding=compounding("size > 1e-5", "0.0"),
        leak=leak("replace(test, labels=test.labels[::-1])"),
        epochs=epochs("len(rows) != len(train)", "abs(1 - len(rows) / len(train))"),
        plant=PLANTED.replace("sub_(0.05)", "sub_(0.0)"),
        repair=REPAIRED.replace("model = found.build(", "model = Bare(").replace(
            "\ndef repaired", BARE + "\ndef repaired"
        ),
    ) == (1, 0, 1, 1, 1)


def test_checks_that_ring_for_learning_or_miss_repeated_images_find_nothing(points_for):
    assert points_for(
        compounding=compounding(rate="0.01"),
        leak=leak(rate="0"),
        epochs=epochs("len(set(rows)) < len(train)", NOT_ONCE),
        plant="planted = {}",
        repair="repaired = found",
    ) == (0, 0, 1, 0, 0)


# Plain networks instead of a uGNN: every image is used once an epoch, but it is another method.
BARE = """
class Bare(nn.Module):
    def __init__(self, networks, example):
        super().__init__()
        self.union = nn.ModuleList(networks)

    def forward(self, x):
        batches = x if isinstance(x, list) else [x] * len(self.union)
        return [network(batch) for network, batch in zip(self.union, batches)]

    def loss(self, outputs, labels):
        return sum(nn.functional.cross_entropy(o, y) for o, y in zip(outputs, labels))

"""
