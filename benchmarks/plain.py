"""The baseline: the loop of MedMNIST's own example, with PIL images, transforms and a DataLoader."""

import torch
from medmnist import PneumoniaMNIST
from timing import BATCH_SIZE, data_folder
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.models import resnet18
from torchvision.transforms import Compose, Normalize, ToTensor


def grey_resnet18() -> nn.Module:
    """torchvision's ResNet-18 for one channel and two classes, with random weights."""
    torch.manual_seed(0)
    model = resnet18(num_classes=2)
    model.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    return model


def loader(workers: int = 0) -> DataLoader:
    """PneumoniaMNIST at 28×28, training split, shuffled."""
    transform = Compose([ToTensor(), Normalize(mean=[0.5], std=[0.5])])
    data = PneumoniaMNIST(split="train", transform=transform, root=str(data_folder()), download=False)
    return DataLoader(data, batch_size=BATCH_SIZE, shuffle=True, num_workers=workers)


def train_one_epoch(model: nn.Module, batches: DataLoader) -> float:
    """One pass with AdamW; returns the mean loss of the batches."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    total = 0.0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels.squeeze(1).long())
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)
