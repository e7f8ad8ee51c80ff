"""The ten architectures of the individually trained baselines, and how any other body is named among them."""

from dataclasses import dataclass

from teachkit.errors import UnknownNameError, nearest
from teachkit.extras import need
from teachkit.mmpt.backbones import NATIVE

ALL = "all"


@dataclass(frozen=True)
class Architecture:
    """A body that baselines are made with.

    Attributes:
        name: short, as on the command line.
        title: to be printed.
        model: name of the body, as `backbones.make_backbone` takes it; its weights are registered under it.
        canvas: edge of the square that pictures are put into; 0 takes them as they come.
    """

    name: str
    title: str
    model: str
    canvas: int = 224


# Names are those of the published code (Doerrich et al. 2025); endings are the weights that these names
# stood for in timm. AlexNet is that of torchvision.
TEN = (
    Architecture("vgg16", "VGG16", "vgg16.tv_in1k"),
    Architecture("alexnet", "AlexNet", "alexnet"),
    Architecture("resnet18", "ResNet-18", "resnet18.a1_in1k"),
    Architecture("densenet121", "DenseNet-121", "densenet121.ra_in1k"),
    Architecture("efficientnet_b4", "EfficientNet-B4", "efficientnet_b4.ra2_in1k"),
    Architecture("vit", "ViT-B/16", "vit_base_patch16_224.augreg2_in21k_ft_in1k"),
    Architecture("clip", "CLIP ViT-B/16", "vit_base_patch16_clip_224.laion2b_ft_in12k_in1k"),
    Architecture("eva02", "EVA-02 ViT-B/16", "eva02_base_patch16_clip_224.merged2b"),
    Architecture("dino", "DINO ViT-B/16", "vit_base_patch16_224.dino"),
    Architecture("sam", "SAM ViT-B/16", "samvit_base_patch16.sa1b"),
)


def find_architecture(name: str) -> Architecture:
    """The architecture called `name`: one of the ten, or any body that mm-PT can be trained with.

    Raises:
        UnknownNameError: offering the nearest names.
    """
    for one in TEN:
        if name in (one.name, one.model):
            return one
    if name in NATIVE or need("timm", "lessons").is_model(name):
        return Architecture(name, name, name, 0)
    models = need("torchvision.models", "lessons")
    if name in models.list_models(module=models):
        return Architecture(name, name, name, 0)
    known = [*(one.name for one in TEN), *NATIVE]
    raise UnknownNameError(
        f"No architecture is called '{name}'.",
        nearest(name, known, "architectures") + " Models of timm and torchvision have their own names.",
        name=name,
    )


def find_architectures(names: list[str]) -> tuple[Architecture, ...]:
    """Those called `names`, in their order, each once; "all" stands for the ten."""
    found = [one for name in names for one in (TEN if name == ALL else (find_architecture(name),))]
    return tuple(dict.fromkeys(found))
