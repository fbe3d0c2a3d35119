"""What an exported graph gives: scores, probabilities or classes, in 32 or in 16 bits."""

from dataclasses import replace
from typing import Literal, get_args

from torch import Tensor, nn

from segdemo.spec import SegmentationSpec

GraphOutput = Literal["logits", "probabilities", "labels"]
GRAPH_OUTPUTS: tuple[GraphOutput, ...] = get_args(GraphOutput)


class Graph(nn.Module):
    """A network with what follows it: images (N, C, H, W) in float32 -> its output.

    Logits and probabilities are (N, classes, H, W) in float32; labels are (N, H, W), the most
    probable class, or of one class whether it reaches the threshold.
    """

    def __init__(
        self, network: nn.Module, spec: SegmentationSpec, output: GraphOutput, *, half: bool
    ) -> None:
        super().__init__()
        self.network = network.half() if half else network
        self.output, self.half_inside = output, half
        self.activation = spec.postprocessing.activation
        self.threshold = spec.postprocessing.threshold

    def forward(self, picture: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.network(picture.half() if self.half_inside else picture).float()
        if self.output == "logits":
            return logits
        probabilities = self._probabilities(logits)
        if self.output == "probabilities":
            return probabilities
        if probabilities.shape[1] > 1:
            return probabilities.argmax(dim=1)
        return (probabilities[:, 0] >= self.threshold).long()

    def _probabilities(self, logits: Tensor) -> Tensor:
        """As ``inference.processing.activate`` makes them."""
        if self.activation == "none":
            return logits.clamp(0, 1)
        if self.activation == "softmax" and logits.shape[1] > 1:
            return logits.softmax(dim=1)
        return logits.sigmoid()


def described(spec: SegmentationSpec, output: GraphOutput) -> SegmentationSpec:
    """The spec of a graph with that output: what stands in it is not done again."""
    if output == "logits":
        return spec
    return replace(spec, postprocessing=replace(spec.postprocessing, activation="none"))
