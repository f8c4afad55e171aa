"""Metrics by name, beside loss and accuracy."""

from __future__ import annotations

from optbench.catalog.entry import Entry

METRICS: dict[str, Entry] = {
    "top_5_accuracy": Entry(
        "optbench.catalog.metric_functions:top_5_accuracy",
        "the share of examples whose class is among the five likeliest",
    ),
    "macro_f1": Entry(
        "optbench.catalog.metric_functions:macro_f1",
        "the mean over classes of F1, 2 · precision · recall / (precision + recall)",
    ),
    "mean_absolute_error": Entry(
        "optbench.catalog.metric_functions:mean_absolute_error",
        "how far outputs are from the numbers they should be, the mean over all",
    ),
}
OF_NUMBERS = ("mean_absolute_error",)  # the others are of classes
