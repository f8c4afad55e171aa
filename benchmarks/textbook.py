"""The tutorials' program, as they print it: torchvision's DataLoader, ToTensor, loss.item().

    python benchmarks/textbook.py DATA_DIR [--epochs 5] [--optimizer adam|sgd]

Prints a line an epoch: average loss (mean of the batches' means), test accuracy, seconds.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.view(-1, 28 * 28)
        logits: torch.Tensor = self.fc2(torch.relu(self.fc1(x)))
        return logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--optimizer", choices=("adam", "sgd"), default="adam")
    arguments = parser.parse_args()

    torch.manual_seed(0)
    transform = transforms.ToTensor()
    train = datasets.MNIST(arguments.data_dir, train=True, transform=transform)
    test = datasets.MNIST(arguments.data_dir, train=False, transform=transform)
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=64)

    model = Net()
    criterion = nn.CrossEntropyLoss()
    if arguments.optimizer == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    for epoch in range(1, arguments.epochs + 1):
        began = time.perf_counter()
        model.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in test_loader:
                correct += int((model(images).argmax(dim=1) == labels).sum())
        seconds = time.perf_counter() - began
        accuracy = correct / len(test)
        print(f"{epoch} {total / len(train_loader):.4f} {accuracy:.4f} {seconds:.3f}", flush=True)


if __name__ == "__main__":
    main()
