"""MNIST-1D (Greydanus and Kobak 2020, arXiv:2011.14439): noisy one-dimensional digits.

Templates, steps and constants are those of the authors' package `mnist1d` 0.0.2 (Apache License
2.0, https://github.com/greydanus/mnist1d), and so are the numbers, up to rounding: its generator
draws in this order. It isn't required, as it would bring matplotlib and requests with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_seed

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Signal = NDArray[np.float64]

LENGTH = 40
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
PADDING = (36, 60)  # zeros after a template, least and most
SCALE = 0.4
TRANSLATION = 48
SMOOTH_NOISE, WHITE_NOISE = 0.25, 0.02
SMOOTHING = 2  # standard deviation, in places, of the Gaussian that smooths the first
SHEAR = 0.75


@dataclass(frozen=True)
class Mnist1d(Generated):
    """Signals `[1, 40]`, 500 of each digit, normalized together; the last fifth is for testing."""

    data_seed: int

    NAME: ClassVar[str] = "mnist-1d"
    classes: ClassVar[int] = 10
    input_shape: ClassVar[tuple[int, ...]] = (1, LENGTH)
    train_size: ClassVar[int] = 4_000
    test_size: ClassVar[int] = 1_000

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        random = np.random.RandomState(self.data_seed)
        total = self.train_size + self.test_size
        targets = np.repeat(np.arange(self.classes), total // self.classes)
        templates = _templates()
        signals = np.stack([_distort(templates[target], random) for target in targets])
        order = random.permutation(total)
        signals, targets = signals[order], targets[order]
        inputs = ((signals - signals.mean()) / signals.std()).astype(np.float32)[:, None]
        split = self.train_size
        return Examples(inputs[:split], targets[:split]), Examples(inputs[split:], targets[split:])


def mnist_1d(data_seed: int = 42) -> Mnist1d:
    """MNIST-1D as its authors' package makes it from a seed; raises UsageError for no seed."""
    check_seed(data_seed)
    return Mnist1d(data_seed)


def _templates() -> Signal:
    """Of unit variance but for a factor, and beginning at zero."""
    import numpy as np

    raw = np.array(TEMPLATES)
    unit = (raw - raw.mean(1, keepdims=True)) / raw.std(1, keepdims=True)
    shifted: Signal = (unit - unit[:, :1]) / 6
    return shifted


def _distort(template: Signal, random: np.random.RandomState) -> Signal:
    """Pad, stretch, scale, shift, add noise, shear and shorten, as the paper's figure 2 shows."""
    import numpy as np

    least, most = PADDING
    zeros = least + int(random.rand() * (most - least + 1))
    padded = np.concatenate([template + 1e-8, np.zeros(zeros)])
    signal = _resample(padded, len(template) + most)
    signal *= 1 + SCALE * (random.rand() - 0.5)
    signal = np.roll(signal, random.choice(TRANSLATION))
    smooth = _smoothed(SMOOTH_NOISE * random.randn(len(signal)))
    signal = np.where(signal != 0, signal, smooth)
    signal = signal + WHITE_NOISE * random.randn(len(signal))
    slope = SHEAR * (random.rand() - 0.5)
    return _resample(signal - slope * np.linspace(-0.5, 0.5, len(signal)), LENGTH)


def _resample(signal: Signal, length: int) -> Signal:
    import numpy as np

    places = np.linspace(0, 1, length)
    return np.interp(places, np.linspace(0, 1, len(signal)), signal)


def _smoothed(noise: Signal) -> Signal:
    """Convolved with a Gaussian cut off at four standard deviations, reflected at both ends."""
    import numpy as np

    reach = 4 * SMOOTHING
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTHING) ** 2)
    return np.convolve(np.pad(noise, reach, "symmetric"), kernel / kernel.sum(), "valid")
