"""The challenge of lesson 05: another right rule is right, too."""

CHALLENGE = "05_model_graphs/challenge.ipynb"


RULE = """
def mirror_rule(build, module, x):
    outputs, channels, _ = module.weight.shape
    number, shift = build.weights(module.weight).ids, build.weights(module.bias).ids
    length, far = x.shape[-1], module.reach
    rows = []
    for o in range(outputs):
        for p in range(length):
            for c in range(channels):
                for k in range(-far, far + 1):
                    if 0 <= p + k < length:
                        rows.append((int(x.ids[0, c, p + k]), o * length + p, int(number[o, c, abs(k)])))
    s, d, w = torch.tensor(rows).T
    return build.neurons((outputs, length), s, d, w, bias=shift.repeat_interleave(length))
"""


def test_another_right_rule_earns_every_point(marks_of, points_of):
    assert marks_of(CHALLENGE, {"solve": RULE}) == points_of(CHALLENGE)
