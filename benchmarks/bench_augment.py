"""A batch of images changed at random: our batched way against torchvision, one image at a time."""

import torch
from timing import in_turns, report
from torchvision.transforms import v2

from teachkit import vision

BATCHES = 8


def main() -> None:
    """1,024 grey images of 28×28, flipped, turned, shifted, enlarged, made brighter; on one thread."""
    torch.set_num_threads(1)
    images = torch.rand(BATCHES, 128, 1, 28, 28)
    ours = vision.Augment()
    theirs = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(
                ours.rotate,
                translate=(ours.shift, ours.shift),
                scale=(1, 1 / (1 - ours.zoom)),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(brightness=ours.brightness, contrast=ours.contrast),
        ]
    )
    baseline = "torchvision, image by image"
    ways = {
        baseline: lambda: [torch.stack([theirs(image) for image in batch]) for batch in images],
        "teachkit": lambda: [ours(batch) for batch in images],
    }
    title = "Augmentation of 1,024 images of 28×28, each by its own draw, CPU, 1 thread"
    report("augment", title, baseline, in_turns(ways))


if __name__ == "__main__":
    main()
