"""An ONNX graph run by onnxruntime, as a module like any other network."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor
from torch.nn import functional

from segdemo.engine.foreign import ForeignNetwork
from segdemo.engine.free_cores import most_threads
from segdemo.errors import FileError, PredictionError
from segdemo.graphs.config import GraphConfig
from segdemo.graphs.reader import Model
from segdemo.graphs.shapes import peak_bytes
from segdemo.wording import one_line, shown

_SHAPES_KEPT = 16
_ERRORS_ALONE = 3  # of onnxruntime's levels of severity
_MOST_WORDS = 160
_MEMORY_SIGNS = ("allocate memory", "out of memory", "bad_alloc", "bad allocation")


class GraphNetwork(ForeignNetwork):
    """What a graph computes of images (N, C, H, W) float32: scores (N, classes, H, W) float32.

    One image at a time goes through the graph. To a graph of fixed size it is resized, antialiased,
    and its scores back; labels become one map a class, 1 where the class is.
    """

    def __init__(self, path: Path, model: Model, config: GraphConfig, device: torch.device) -> None:
        """Raises FileError where onnxruntime refuses the file."""
        super().__init__()
        self.config = config
        self._made_of = (path, model, config, device)
        self._model = model
        self._session = _session(path, model.name, device)
        on_cuda = self._session.get_providers()[0].startswith("CUDA")
        self.device = device if on_cuda else torch.device("cpu")
        self.byte_size = model.size + model.beside
        self._peaks: dict[tuple[int, ...], int] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """By the file: a session goes to no other process."""
        return GraphNetwork, self._made_of

    def peak(self, shape: torch.Size) -> int:
        """See ForeignNetwork; of one image, since they go alone."""
        height, width = self.config.size or shape[2:]
        return self._peak((height, width))

    def _peak(self, size: tuple[int, int]) -> int:
        if size not in self._peaks:
            if len(self._peaks) >= _SHAPES_KEPT:
                self._peaks.pop(next(iter(self._peaks)))
            shape = self.config.input_shape(size)
            self._peaks[size] = peak_bytes(self._model, self.config.input, shape)
        return self._peaks[size]

    def forward(self, images: Tensor) -> Tensor:
        """Raises PredictionError where the graph fails, and MemoryError."""
        answers = [self._scores(image[None]) for image in images.cpu()]
        return torch.cat(answers).to(images.device)

    def _scores(self, image: Tensor) -> Tensor:
        config, size = self.config, image.shape[2:]
        if config.size is not None and size != config.size:
            image = functional.interpolate(image, config.size, mode="bilinear", antialias=True)
        if config.channels_last:
            image = image.permute(0, 2, 3, 1)
        if not config.kind.startswith("float"):
            image = image.round().clamp(0, 255)
        given = image.expand(config.batch, -1, -1, -1).numpy().astype(config.kind)
        answer = self._run(np.ascontiguousarray(given))[:1]
        if config.labels:
            return self._maps(torch.from_numpy(answer.astype(np.int64)), size)
        scores = torch.from_numpy(answer.astype(np.float32, copy=False))
        scores = scores[:, None] if scores.dim() == 3 else scores
        if config.answer_last:
            scores = scores.permute(0, 3, 1, 2)
        if scores.dim() != 4 or scores.shape[1] != config.classes:
            raise PredictionError("graph_answer", shape=str(tuple(scores.shape)))
        if scores.shape[2:] != size:
            scores = functional.interpolate(scores, size, mode="bilinear", align_corners=False)
        return scores

    def _maps(self, labels: Tensor, size: torch.Size) -> Tensor:
        """(N, H, W), or with a dimension of one channel, to (N, classes, H, W)."""
        if labels.dim() == 4:
            labels = labels[..., 0] if self.config.answer_last else labels[:, 0]
        classes = self.config.classes
        # Of one class the label 1 says where it is.
        most = max(classes, 2)
        if labels.dim() != 3 or not 0 <= int(labels.min()) <= int(labels.max()) < most:
            found = f"{int(labels.min())} … {int(labels.max())}" if labels.numel() else "–"
            raise PredictionError("graph_labels", labels=found, classes=classes)
        if labels.shape[1:] != size:
            rows = _nearest(labels.shape[1], size[0])
            columns = _nearest(labels.shape[2], size[1])
            labels = labels[:, rows][:, :, columns]
        if classes == 1:
            return labels[:, None].float()
        return functional.one_hot(labels, classes).permute(0, 3, 1, 2).float()

    def _run(self, given: npt.NDArray[Any]) -> npt.NDArray[Any]:
        try:
            (answer,) = self._session.run([self.config.output], {self.config.input: given})
        # Its errors have no common class of their own.
        except Exception as error:
            if any(sign in str(error).lower() for sign in _MEMORY_SIGNS):
                raise MemoryError from error
            raise PredictionError("graph_failed", reason=_reason(error)) from error
        array: npt.NDArray[Any] = np.asarray(answer)
        return array


def _nearest(source: int, target: int) -> Tensor:
    """The row of the source under the middle of each row of the target."""
    return ((torch.arange(target) + 0.5) * (source / target)).long().clamp(max=source - 1)


def _session(path: Path, name: str, device: torch.device) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ALONE
    options.intra_op_num_threads = most_threads()
    # Threads that wait in a loop, and memory that is kept, are those of the next network.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        if any(sign in str(error).lower() for sign in _MEMORY_SIGNS):
            raise MemoryError from error
        version = onnxruntime.__version__
        reason = _reason(error)
        raise FileError("graph_refused", name=name, version=version, reason=reason) from error


def _reason(error: Exception) -> str:
    """What onnxruntime says, without its own places in files."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return shown(one_line(said[0], limit=_MOST_WORDS))


def tried(
    path: Path, model: Model, given: str, shape: tuple[int, ...], kind: str
) -> dict[str, tuple[int, ...]]:
    """The shapes of all outputs for one black image. Raises FileError."""
    session = _session(path, model.name, torch.device("cpu"))
    names = [value.name for value in session.get_outputs()]
    try:
        answers = session.run(names, {given: np.zeros(shape, kind)})
    except Exception as error:
        reason = _reason(error)
        version = onnxruntime.__version__
        raise FileError("graph_refused", name=model.name, version=version, reason=reason) from error
    shapes = {name: np.shape(answer) for name, answer in zip(names, answers, strict=True)}
    return {**shapes, given: shape}
