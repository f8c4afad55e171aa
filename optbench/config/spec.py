"""Settings and runs, resolved: every default filled in, every name known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from optbench.config.canonical import digest
from optbench.config.names import slug

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.claims import Claim
    from optbench.config.schema import Part

FULL_BATCH = "full"  # the batch size that is all training examples
CHECKPOINT_EVERY, KEEP_STATE = "checkpoint_every", "keep_state"
UNHASHED = (CHECKPOINT_EVERY, KEEP_STATE)  # keys of training that change no result

FLOAT32 = "float32"  # the type of numbers where none is named

NESTED = ("average", "augment", "loss")  # keys under `training` whose values are shown one by one

Resolved = Mapping[str, object]  # a part's name and arguments, as plain YAML would say them


@dataclass(frozen=True)
class Weights:
    """What a model starts from: a file of tensors and the SHA-256 that identifies its content.

    Those that can be downloaded have an `address`, and a path below the data directory until
    that is known.
    """

    path: Path
    content: str
    address: str = ""


@dataclass(frozen=True)
class Setting:
    """A run without its seed: what is trained, on what and how.

    `data_hash` is the content hash of the data used, empty until that is decided; `plugins`
    maps `./file.py:Name` paths to the hash of their file; `weights` is what the model starts
    from where it names that; `written` holds the parts as the file wrote them, for messages;
    `hyperparameters` what the optimizer and its surroundings say beyond their defaults, in the
    order to show.
    """

    dataset: Resolved
    model: Resolved
    optimizer: Resolved
    schedule: Resolved
    training: Resolved
    hyperparameters: tuple[tuple[str, object], ...]
    plugins: Resolved = field(default_factory=dict)
    fallback: Resolved | None = None
    requested_dataset: str | None = None
    data_hash: str = ""
    weights: Weights | None = None
    written: Mapping[str, Part] = field(default_factory=dict, compare=False, repr=False)

    @property
    def epochs(self) -> int:
        """How often a run goes through the training examples."""
        return cast("int", self.training["epochs"])

    @property
    def loss(self) -> Resolved:
        """The loss by its name or import path, with its arguments."""
        loss = self.training["loss"]
        return loss if isinstance(loss, Mapping) else {"name": loss}

    @property
    def has_own_loss(self) -> bool:
        return ":" in str(self.loss["name"])

    @property
    def metrics(self) -> tuple[Resolved, ...]:
        """What is measured beside loss and accuracy, each by its name or import path likewise."""
        named = cast("list[object]", self.training.get("metrics", []))
        return tuple(one if isinstance(one, Mapping) else {"name": one} for one in named)

    @property
    def normalization(self) -> Resolved | None:
        """The function of one's own that inputs are normalized by, with its arguments."""
        found = self.dataset.get("normalize")
        own = isinstance(found, Mapping) and ":" in str(found.get("name", ""))
        return cast("Resolved", found) if own else None

    @property
    def label_smoothing(self) -> float:
        """How much of each label is spread over all classes while training; 0 is none."""
        return cast("float", self.training.get("label_smoothing", 0.0))

    @property
    def dtype(self) -> str:
        """The type of parameters and inputs, by torch's name."""
        return str(self.training.get("dtype", FLOAT32))

    @property
    def amp(self) -> str | None:
        """The type that torch.autocast computes in where precision is mixed."""
        return cast("str | None", self.training.get("amp"))

    @property
    def averaging_start(self) -> float | None:
        """The share of the run after which weights are averaged; None where none decides that."""
        average = self.training.get("average")
        return average.get("start") if isinstance(average, dict) else None

    @property
    def keeps_state(self) -> bool:
        """Whether its runs keep their last state, for longer ones to go on from."""
        return bool(self.training.get(KEEP_STATE))

    def of_length(self, epochs: int) -> Setting:
        """The same with another number of epochs."""
        return replace(self, training={**self.training, "epochs": epochs})

    def batch_size(self, examples: int) -> int:
        """Examples a batch, of so many to train on; the last of an epoch may have fewer."""
        size = self.training["batch_size"]
        return examples if size == FULL_BATCH else cast("int", size)

    def step_examples(self, examples: int) -> int:
        """Examples an optimizer step, likewise: those of `accumulate` batches."""
        return self.batch_size(examples) * cast("int", self.training.get("accumulate", 1))

    def epoch_steps(self, examples: int) -> int:
        """Optimizer steps an epoch, with so many examples to train on."""
        return math.ceil(examples / self.step_examples(examples))

    def steps_between(self, key: str, epoch_steps: int) -> int:
        """Steps from one to the next of what `training` gives as `{steps: N}`, else an epoch's.

        `key` is `evaluate_every` or `checkpoint_every`.
        """
        every = self.training.get(key)
        return cast("int", every["steps"]) if isinstance(every, dict) else epoch_steps

    @property
    def own_code(self) -> tuple[str, ...]:
        """The import paths that it names: of code that is not optbench's."""
        functions = [self.loss, *self.metrics]
        if self.normalization is not None:
            functions.append(self.normalization)
        parts = (self.dataset, self.model, self.optimizer, self.schedule, *functions)
        return tuple(name for part in parts if ":" in (name := str(part["name"])))

    @cached_property
    def problem_hash(self) -> str:
        """SHA-256 over the data used, its split, the model and the loss."""
        return digest(self._problem)

    @cached_property
    def setting_hash(self) -> str:
        """SHA-256 over everything that determines results but the seed."""
        how = {
            "optimizer": self._by_content(self.optimizer),
            "schedule": self._by_content(self.schedule),
            "training": {
                key: self._contents(value)
                for key, value in self.training.items()
                if key not in UNHASHED
            },
        }
        return digest({"problem": self._problem, **how})

    @property
    def label(self) -> str:
        """What a person calls it: `adam lr=0.001`."""
        name = display_name(str(self.optimizer["name"]))
        return " ".join([name, *(f"{k}={format_value(v)}" for k, v in self.hyperparameters)])

    @property
    def slug(self) -> str:
        """The label as part of a folder's name: `adam-lr0.001`."""
        name = display_name(str(self.optimizer["name"]))
        return slug("-".join([name, *(f"{k}{format_value(v)}" for k, v in self.hyperparameters)]))

    @property
    def _problem(self) -> Resolved:
        dataset = dict(self.dataset)
        if self.data_hash:  # a path is where the data are, not what
            dataset.pop("path", None)
        if self.normalization is not None:
            dataset["normalize"] = self._by_content(self.normalization)
        model = dict(self.model)
        if self.weights:
            model["weights"] = self.weights.content
        return {
            "dataset": self._by_content(dataset),
            "data": self.data_hash,
            "model": self._by_content(model),
            "loss": self._contents(self.training["loss"]),
        }

    def _contents(self, value: object) -> object:
        """What `training` holds, a plug-in likewise."""
        if isinstance(value, list):
            return [self._contents(item) for item in value]
        named = isinstance(value, Mapping) and "name" in value
        return self._by_content(cast("Resolved", value)) if named else value

    def _by_content(self, part: Resolved) -> Resolved:
        """A part whose plug-in file is named by its content, not by its place."""
        name = str(part["name"])
        if name not in self.plugins:
            return part
        return {**part, "name": f"{self.plugins[name]}:{name.rpartition(':')[2]}"}


@dataclass(frozen=True)
class Run:
    """One training: a setting and a seed, under an experiment's name.

    `declared_seeds` is how many seeds the experiment asked for; it is recorded, not hashed.
    """

    experiment: str
    setting: Setting
    seed: int
    declared_seeds: int
    device: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 over what determines this run's results."""
        return digest({"setting": self.setting.setting_hash, "seed": self.seed})

    @property
    def directory_name(self) -> str:
        """`<setting-slug>-s<seed>-<hash8>`."""
        return f"{self.setting.slug}-s{self.seed}-{self.hash[:8]}"

    @property
    def config(self) -> dict[str, object]:
        """The resolved run as an experiment file says it; running that repeats the run."""
        setting = self.setting
        return {
            "name": self.experiment,
            "dataset": dict(setting.dataset),
            "model": dict(setting.model),
            "optimizer": dict(setting.optimizer),
            "schedule": dict(setting.schedule),
            "training": dict(setting.training),
            "seeds": [self.seed],
            "device": self.device,
        }


@dataclass(frozen=True)
class Experiment:
    """What one YAML file describes, checked and expanded; see `optbench.load_experiment`.

    `searches` holds the values that only a tuner can choose, each with its key; `tuned` the hashes
    of the settings that one has chosen, the others being defaults.
    """

    name: str
    file: Path
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    device: str
    claims: tuple[Claim, ...] = ()
    searches: tuple[Part, ...] = ()
    tuned: frozenset[str] = frozenset()

    def runs(self) -> tuple[Run, ...]:
        """All runs, interleaved by seed, so that a stopped sweep is balanced and paired."""
        return tuple(
            Run(self.name, setting, seed, len(self.seeds), self.device)
            for seed in self.seeds
            for setting in self.settings
        )


def flattened(training: Mapping[str, Any]) -> dict[str, Any]:
    """What `training` says, a name and its arguments as `average` and `average.decay`."""
    flat: dict[str, Any] = {}
    for key, value in training.items():
        if isinstance(value, Mapping) and key in NESTED:
            flat |= {key if k == "name" else f"{key}.{k}": item for k, item in value.items()}
        else:
            flat[key] = value
    return flat


def display_name(name: str) -> str:
    """A part's name as shown: of an import path the class alone."""
    return name.rpartition(":")[2]


def short_value(value: object) -> str:
    """As `format_value`; a long number in four significant digits, 0.003162 of a log grid."""
    text = format_value(value)
    if isinstance(value, float) and len(text) > len("0.0001234"):
        return format_value(float(f"{value:.4g}"))
    return text


def format_value(value: object) -> str:
    """A value as YAML would have it, in its shortest form: `1` for 1.0, `[0.9, 0.99]`."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return f"[{', '.join(map(format_value, value))}]"
        case dict():
            items = ", ".join(f"{key}: {format_value(item)}" for key, item in value.items())
            return f"{{{items}}}"
    return str(value)
