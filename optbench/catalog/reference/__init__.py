"""Textbook versions of optimizers, written for reading; none is imported before it is built."""

from __future__ import annotations

from optbench.catalog.entry import Entry


def _entry(name: str, class_name: str, summary: str) -> Entry:
    return Entry(
        f"{__name__}.{name}:{class_name}",
        summary,
        resolves_to=f"reference.{name}",
    )


_ENTRIES = {
    "adagrad": ("Adagrad", "adagrad, its plain sum of squares (Duchi et al. 2011)"),
    "adam": ("Adam", "adam, bias correction optional (Kingma & Ba 2015)"),
    "adamax": ("Adamax", "adamax (Kingma & Ba 2015, algorithm 2)"),
    "adamw": ("AdamW", "adamw (Loshchilov & Hutter 2019, algorithm 2)"),
    "amsgrad": ("AMSGrad", "amsgrad, bias correction as torch's or the paper's"),
    "classical_momentum": ("ClassicalMomentum", "momentum with lr inside the velocity"),
    "gradient_descent": ("GradientDescent", "a step against the gradient, nothing else"),
    "lion": ("Lion", "signs of a momentum; torch has none (Chen et al. 2023)"),
    "momentum": ("Momentum", "momentum with lr outside the velocity, as torch's"),
    "muon": ("Muon", "muon for matrices, adamw for the rest (Jordan et al. 2024)"),
    "nadam": ("NAdam", "nadam (Dozat 2016, algorithm 2, as torch has it)"),
    "nesterov": ("Nesterov", "Nesterov's momentum, as torch's (Bengio et al. 2013)"),
    "radam": ("RAdam", "radam (Liu et al. 2020, algorithm 2, as torch has it)"),
    "rmsprop": ("RMSprop", "rmsprop, neither centered nor with momentum"),
    "sgd": ("SGD", "gradient descent with weight decay"),
    "sgdw": ("SGDW", "sgd with decoupled weight decay (Loshchilov & Hutter 2019)"),
}

REFERENCE = {
    f"reference.{name}": _entry(name, class_name, summary)
    for name, (class_name, summary) in _ENTRIES.items()
}
