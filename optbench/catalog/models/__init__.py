"""Models by name; each file holds one, and none is imported before it is built."""

from __future__ import annotations

from optbench.catalog.entry import Entry

MODELS: dict[str, Entry] = {
    "mlp": Entry(
        "optbench.catalog.models.mlp:MLP",
        "fully connected layers; hidden: [128] is the tutorials' 784-128-10 on mnist",
    ),
    "logistic": Entry(
        "optbench.catalog.models.logistic:Logistic",
        "one linear layer: multinomial logistic regression, a convex problem",
    ),
    "cnn": Entry(
        "optbench.catalog.models.cnn:CNN",
        "two convolutions with pooling and one hidden layer, of LeNet's kind",
    ),
}

# Parameters that the data set answers, under the names that people give them.
SHAPE_PARAMETERS = ("input_shape",)
CLASS_PARAMETERS = ("classes", "num_classes")
