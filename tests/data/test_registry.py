"""The registry agrees with medmnist, names diseases, and helps with wrong names."""

import runpy
from pathlib import Path

import pytest
from medmnist.info import INFO

from teachkit.data import registry
from teachkit.errors import SettingsError, UnknownNameError

FLAT = [name for name, info in INFO.items() if "3d" not in name]


def test_the_generated_part_is_what_the_generator_writes(root: Path) -> None:
    path = root / "data" / "registry.toml"
    generate = runpy.run_path(str(root / "data" / "build_registry.py"))["generate"]
    text = path.read_text(encoding="utf-8")
    assert generate(text) == text
    drifted = text.replace("28209eda62fecd6e6a2d98b1501bb15f", "0" * 32)
    assert generate(drifted) == text != drifted


def test_all_twelve_flat_sets_are_there_in_four_sizes() -> None:
    assert len(FLAT) == 12
    for name in FLAT:
        assert registry.entry(name).sizes == (28, 64, 128, 224)


@pytest.mark.parametrize("name", FLAT)
def test_a_set_says_what_medmnist_says(name: str) -> None:
    entry, info = registry.entry(name), INFO[name]
    assert list(entry.classes) == list(info["label"].values())
    assert dict(entry.counts) == info["n_samples"]
    assert (entry.channels, entry.licence) == (info["n_channels"], info["license"])
    for size, suffix in ((28, ""), (64, "_64"), (128, "_128"), (224, "_224")):
        item = entry.item(size)
        assert (item.path, item.url, item.hash) == (
            f"{name}{suffix}.npz",
            info[f"url{suffix}"],
            f"md5:{info[f'MD5{suffix}']}",
        )


def test_licences_that_forbid_commercial_use_are_flagged() -> None:
    assert not registry.entry("dermamnist").commercial
    assert registry.entry("pneumoniamnist").commercial


def test_the_positive_class_is_the_disease() -> None:
    for name, disease in (("breastmnist", "malignant"), ("pneumoniamnist", "pneumonia")):
        entry = registry.entry(name)
        assert entry.positive is not None
        assert entry.classes[entry.positive] == disease
    assert registry.entry("breastmnist").positive == 0


def test_every_entry_has_licence_citation_and_a_way_to_be_read() -> None:
    for entry in registry.entries().values():
        assert entry.licence, entry.name
        assert entry.citation, entry.name
        assert entry.embedded or entry.items, entry.name
        assert entry.info("a test").task


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"No data set .* 'patmnist'\. Did you mean 'pathmnist'"):
        registry.entry("patmnist")
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet18'"):
        registry.weights("resnet-18")


def test_an_unknown_size_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"does not come in size 32\. Known sizes: 28, 64, 128, 224"):
        registry.entry("pathmnist").item(32)


def test_a_set_of_one_size_answers_to_the_default_and_to_its_own() -> None:
    skin = registry.entry("skin")
    assert skin.item(28) is skin.item(28)
    assert skin.comes_in(512)
    assert not skin.comes_in(64)


def test_an_unknown_length_is_bounded_by_the_pixels() -> None:
    entry = registry.entry("pneumoniamnist")
    assert entry.largest_bytes(28) == 4_170_669
    assert entry.largest_bytes(64) == (4708 + 524 + 624) * 64 * 64
