"""Models by name; each file holds one, and none is imported before it is built."""

from __future__ import annotations

from optbench.catalog.entry import Entry
from optbench.catalog.models.torchvision_models import PREFIX, torchvision_models, weight_addresses

__all__ = [
    "CLASS_PARAMETERS",
    "MODELS",
    "PREFIX",
    "SHAPE_PARAMETERS",
    "VOCABULARY_PARAMETERS",
    "model_entry",
    "torchvision_models",
    "weight_addresses",
]

POINT = "point"
MODELS: dict[str, Entry] = {
    "mlp": Entry(
        "optbench.catalog.models.mlp:MLP",
        "fully connected layers; hidden: [128] is the tutorials' 784-128-10 on mnist",
    ),
    "sigmoid-mlp": Entry(
        "optbench.catalog.models.sigmoid_mlp:SigmoidMLP",
        "fully connected sigmoid layers to probabilities; the tutorials' 2-4-1 by default",
    ),
    "linear": Entry(
        "optbench.catalog.models.linear:Linear",
        "one linear layer to numbers or logits, from zero weights where asked for",
    ),
    POINT: Entry(
        "optbench.catalog.models.point:point",
        "a point of a landscape: objective, quadratic, reddi-online; no network at all",
    ),
    "logistic": Entry(
        "optbench.catalog.models.logistic:Logistic",
        "one linear layer: multinomial logistic regression, a convex problem",
    ),
    "cnn": Entry(
        "optbench.catalog.models.cnn:CNN",
        "two convolutions with pooling and one hidden layer, of LeNet's kind",
    ),
    "lenet": Entry(
        "optbench.catalog.models.lenet:LeNet",
        "LeNet-5 for images up to 32×32 (LeCun et al. 1998)",
    ),
    "cifar-cnn": Entry(
        "optbench.catalog.models.cifar_cnn:CifarCNN",
        "the network of PyTorch's tutorial on CIFAR-10: conv, pool, conv, pool, three linear",
    ),
    "resnet18": Entry(
        "optbench.catalog.models.resnet:ResNet18",
        "ResNet-18 with a 3×3 stem for small images (He et al. 2016)",
    ),
    "vit": Entry(
        "optbench.catalog.models.vit:ViT",
        "a tiny vision transformer (Dosovitskiy et al. 2021)",
    ),
    "gru": Entry(
        "optbench.catalog.models.gru:GRU",
        "gated recurrent units over sequences [channels, length] or tokens (Cho et al. 2014)",
    ),
    "lstm": Entry(
        "optbench.catalog.models.lstm:LSTM",
        "long short-term memory over sequences or tokens (Hochreiter and Schmidhuber 1997)",
    ),
    "rnn": Entry(
        "optbench.catalog.models.rnn:RNN",
        "a simple recurrent network over sequences or tokens (Elman 1990)",
    ),
    "conv1d": Entry(
        "optbench.catalog.models.conv1d:Conv1d",
        "three convolutions over sequences [channels, length], as MNIST-1D's paper has them",
    ),
    "transformer": Entry(
        "optbench.catalog.models.transformer:Transformer",
        "a small causal transformer over tokens (Vaswani et al. 2017)",
    ),
    "bag-of-words": Entry(
        "optbench.catalog.models.bag_of_words:BagOfWords",
        "logistic regression over words as embeddings; sparse: true for sparse gradients",
    ),
}


def model_entry(name: str) -> Entry | None:
    """The entry of a model by its name, torchvision's too; None for an import path."""
    if name.startswith(PREFIX):
        return torchvision_models().get(name)
    return MODELS.get(name)


# Parameters that the data set answers, under the names that people give them.
SHAPE_PARAMETERS = ("input_shape",)
CLASS_PARAMETERS = ("classes", "num_classes")
VOCABULARY_PARAMETERS = ("vocabulary",)
POSITION_PARAMETERS = ("positions",)
LANDSCAPE_PARAMETERS = ("landscape",)
FILLED = (
    *SHAPE_PARAMETERS,
    *CLASS_PARAMETERS,
    *VOCABULARY_PARAMETERS,
    *POSITION_PARAMETERS,
    *LANDSCAPE_PARAMETERS,
)
