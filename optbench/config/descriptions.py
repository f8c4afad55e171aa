"""What the keys of an experiment file hold, a line each, as editors show it beside them."""

from __future__ import annotations

TOP = {
    "name": "The experiment's name, and that of its folder under runs/. Default: the file's.",
    "extends": "Another file, relative to this one, that this one changes: mappings merge, "
    "lists replace.",
    "dataset": "What to train on: a name, a mapping with `name`, or a list of them.",
    "model": "What to train: a name, a mapping with `name`, or a list of them.",
    "optimizer": "What to compare: a name, a mapping with `name`, or a list, the union of its "
    "items' grids.",
    "schedule": "How learning rates change, for all optimizers that have none of their own. "
    "Default: constant.",
    "training": "How long, in what batches and how to train.",
    "seeds": "A count (8 is 0 to 7), or a list. Eight pairs give most verdicts.",
    "tuning": "How `optbench tune` searches the spaces, and how long.",
    "device": "auto is cuda, then mps, then cpu.",
    "expect": "Claims that `optbench verify` judges.",
}
DATASET = {
    "train": "Take so many training examples, stratified. Default: all.",
    "test": "Take so many test examples, stratified. Default: all.",
    "validation": "Hold so many training examples out, stratified, the same for every run. "
    "Settings are then chosen by them.",
    "normalize": "Subtract each channel's mean over the training images and divide by its "
    "standard deviation; or do so with what a function of your own finds: ./file.py:name.",
    "fallback": "What may stand in where the data are neither on disk nor downloadable.",
    "instead_of": "In a run's own file: the data set that this one stood in for.",
    "path": "A file or folder, relative to this file.",
    "data_seed": "The seed that the data are generated from.",
}
MODEL = {
    "hidden": "Widths of the hidden layers.",
    "activation": "What follows each hidden layer.",
    "dropout": "The probability that a hidden unit is left out.",
    "weights": "What to start from: a file, a run directory, or the name of torchvision's weights.",
    "head": "keep, or new: draw the last layer from the seed.",
}
OPTIMIZER = {
    "lr": "The learning rate.",
    "betas": "Decay rates of the means of gradients and of their squares.",
    "eps": "What is added to the denominator.",
    "momentum": "How much of the last step's direction is kept.",
    "nesterov": "Look ahead along the momentum.",
    "dampening": "How much less than the whole gradient enters the momentum.",
    "weight_decay": "How much of the weights is added to the gradient; in AdamW and its like "
    "taken off the weights.",
    "amsgrad": "Divide by the largest second moment so far.",
    "alpha": "The decay rate of the mean of squared gradients.",
    "centered": "Divide by the gradient's standard deviation.",
    "groups": "Parameters that are stepped otherwise: globs on their names, the first match wins.",
    "match": "A glob on parameter names, such as *.bias.",
    "schedule": "How this optimizer's learning rate changes.",
}
SCHEDULE = {
    "warmup": "The share of the steps in which the learning rate rises from 0.",
    "final": "The share of the learning rate that is left at the end.",
}
TRAINING = {
    "epochs": "How often the training examples are gone through.",
    "batch_size": "Examples a batch; `full` is all of them, a step an epoch.",
    "loss": "The loss that is minimized. Default: the data set's own.",
    "evaluate_every": "A row of metrics.csv each so many optimizer steps. Default: an epoch.",
    "checkpoint_every": "A point to go on from each so many optimizer steps, beside that after "
    "each epoch.",
    "keep_state": "Keep the last state of each run, so that one of more epochs can go on from it.",
    "clip_norm": "The norm that gradients are cut to, over all parameters.",
    "compile": "Train by the code that torch.compile generates.",
    "accumulate": "Batches an optimizer step.",
    "freeze": "Globs on the names of parameters that stay as they are.",
    "label_smoothing": "How much of each label is spread over all classes.",
    "average": "Weights averaged along the training, for evaluation.",
    "augment": "Images changed at random.",
    "dtype": "The type of parameters, inputs and optimizer state.",
    "amp": "Mixed precision: the type that torch.autocast computes in.",
    "metrics": "What is measured of validation and test data beside loss and accuracy: names.",
    "steps": "So many optimizer steps.",
    "decay": "How much of the average is kept at each step.",
    "start": "The share of the training after which averaging begins.",
    "flip": "Mirror images with probability 1/2.",
    "crop": "Cut images out at random, with so many black pixels around them.",
}
TUNING = {
    "trials": "Settings that are tried of each optimizer. Default: 30, of a grid all.",
    "sampler": "What proposes them: a name, or a mapping with `name`. Default: tpe.",
    "pruner": "What ends poor trials early; `trials` times `epochs` is then what each optimizer "
    "may use. Default: none.",
    "objective": "What the best trial is chosen by: val_loss (default), val_accuracy, or a metric "
    "that is measured of validation data.",
    "seeds": "A count, or a list of seeds that are not among those reported. Default: 1.",
    "seed": "The seed that proposals are drawn from. Default: 0.",
    "batch": "Trials of each optimizer that are proposed at a time.",
    "reduction": "Hyperband: one of so many trials goes on, for so many times the epochs.",
    "min_epochs": "Epochs that every trial gets.",
}
CLAIM = {
    "claim": "What it says, in words.",
    "metric": "What is compared or bounded.",
    "setting": "Which settings it is about: {optimizer: adam, lr: 1e-3}.",
    "better_than": "Which settings it beats.",
    "worse_than": "Which settings beat it.",
    "equivalent_to": "Which settings it differs from by less than `margin`.",
    "not_worse_than": "Which settings it is worse than by less than `margin`, if at all.",
    "faster_than": "Which settings take more steps to `target`, at least `ratio` times as many.",
    "at_least": "The mean over seeds is at least this.",
    "at_most": "The mean over seeds is at most this.",
    "diverges": "Every seed diverges, or none does.",
    "margin": "In the metric's unit; of an accuracy between 0 and 1.",
    "target": "The value of the metric to reach.",
    "ratio": "How many times faster. Default: 1.",
    "within": "Of lr_decades: how far a loss may be from the best one.",
    "verdict": "What is expected. Default: supported.",
}
SPACES = {
    "grid": "Those values.",
    "linspace": "[a, b, n]: n values in equal steps from a to b.",
    "logspace": "[a, b, n]: n values in equal ratios from a to b, which are values, no exponents.",
    "uniform": "[a, b]: for tuning, any number between.",
    "loguniform": "[a, b]: for tuning, any number between, each decade as likely as another.",
    "integer": "[a, b]: for tuning, any whole number from a to b.",
}
