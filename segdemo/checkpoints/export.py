"""Exports a recognised network as self-describing safetensors or as ONNX."""

import json
import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.safetensors_header import METADATA_KEY
from segdemo.checkpoints.structure import lasting
from segdemo.errors import ExportError
from segdemo.graphs.outputs import Graph, GraphOutput, described
from segdemo.spec import SegmentationSpec

ONNX_TOLERANCE = 1e-4
"""The largest difference of a logit, relative to the largest logit, that an export may have."""

_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
HALF_TOLERANCE = 2e-2
"""The same of an export in 16 bits."""
_BATCHES = (2, 1, 3)
"""How many images are compared; the exporter takes what it sees once for fixed."""
_OPSET = 20
# The first is what the exporter sees; the others are odd in other places.
_SIDES = ((97, 131), (128, 96), (121, 173))


def export_safetensors(
    detection: Detection, spec: SegmentationSpec, words: Mapping[str, Any], path: Path
) -> None:
    """The weights under our names, in the precision that they have, with all that is known of them.

    ``words`` is what the file said of itself before; the spec and what was assumed go on top,
    so that loading the new file needs no choice again. Raises ExportError for what a library
    builds, which reads its own files alone.
    """
    if detection.architecture.assemble is not None:
        raise ExportError("library_stays", library=detection.origin)
    description = _description(detection, lasting(detection.id))
    _save(detection.tensors, {**words, **description, **spec.to_dict()}, path)


def export_original(
    tensors: Mapping[str, Tensor],
    detection: Detection,
    spec: SegmentationSpec,
    words: Mapping[str, Any],
    path: Path,
) -> None:
    """The same under the names of the code base that wrote them, which reads them back.

    ``tensors`` are those of the file, free of containers and prefixes.
    """
    description = _description(detection, detection.id)
    _save(tensors, {**words, **description, **spec.to_dict()}, path)


def _save(tensors: Mapping[str, Tensor], words: Mapping[str, Any], path: Path) -> None:
    # safetensors refuses tensors that share memory, as tied weights do.
    tensors = {key: tensor.contiguous().clone() for key, tensor in tensors.items()}
    save_file(dict(tensors), path, metadata={METADATA_KEY: json.dumps(words), "format": "pt"})


def _description(detection: Detection, reading: str) -> dict[str, Any]:
    assumed = {"assume": reading} if detection.known else {}
    return {"architecture": detection.architecture.id, "origin": detection.origin, **assumed}


def export_onnx(
    detection: Detection,
    spec: SegmentationSpec,
    path: Path,
    *,
    output: GraphOutput = "logits",
    half: bool = False,
) -> float:
    """Images (N, channels, H, W) of any number and size -> logits; the largest difference.

    ``output`` may be "probabilities" or "labels" instead, see ``graphs.outputs``; with ``half`` the
    network computes in 16 bits, and takes and gives 32. The spec stands in the model's metadata,
    with the sizes that the network takes. The file is run by onnxruntime on several sizes and
    compared with PyTorch; where they differ it is removed. Raises ExportError for that, and where
    the optional packages are missing.
    """
    missing = [name for name in _ONNX_PACKAGES if find_spec(name) is None]
    if missing:
        raise ExportError("export_packages", missing=", ".join(missing))
    requirements = detection.architecture.requirements(detection.config)
    multiple_of = math.lcm(spec.preprocessing.multiple_of, requirements.multiple_of)
    spec = replace(spec, preprocessing=replace(spec.preprocessing, multiple_of=multiple_of))
    expected = Graph(detection.build(), spec, output, half=False).eval()
    network = Graph(detection.build(), spec, output, half=half).eval() if half else expected
    example, *checked = _pictures(detection)
    any_size = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    # The exporter tells of itself at length, of nothing that a person could mend.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                input_names=["picture"],
                output_names=[output],
                dynamic_shapes=(any_size,),
                opset_version=_OPSET,
                verbose=False,
            )
        assert program is not None  # as dynamo=True promises
        program.model.metadata_props[METADATA_KEY] = described(spec, output).to_json()
        program.save(path, external_data=False)
        largest = max(_difference(expected, picture, path) for picture in (example, *checked))
    # The exporter and the runtime fail in ways of their own, each with pages of text.
    except Exception as error:
        path.unlink(missing_ok=True)
        raise ExportError("export_failed", name=path.name) from error
    if not largest <= (HALF_TOLERANCE if half else ONNX_TOLERANCE):
        path.unlink()
        raise ExportError("export_differs", name=path.name, difference=f"{largest:.1g}")
    return largest


def _pictures(detection: Detection) -> list[Tensor]:
    """Noise in sizes that the network takes."""
    config = detection.config
    requirements = detection.architecture.requirements(config)
    generator = torch.Generator().manual_seed(0)

    return [
        torch.rand(
            batch, config.in_channels, *map(requirements.side, (height, width)), generator=generator
        )
        for batch, (height, width) in zip(_BATCHES, _SIDES, strict=True)
    ]


def _difference(network: nn.Module, picture: Tensor, path: Path) -> float:
    """Between onnxruntime and PyTorch, relative to the largest; of labels, how many differ."""
    import onnxruntime  # noqa: PLC0415 (an optional package)

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"picture": picture.numpy()})
    with torch.inference_mode():
        expected = network(picture)
    if not expected.is_floating_point():
        # Where two classes are as probable, rounding decides: a share of pixels, not a distance.
        return float((torch.from_numpy(found) != expected).float().mean())
    difference = (torch.from_numpy(found) - expected).abs().max()
    return float(difference / expected.abs().max().clamp(min=1))


_LARGEST = 65504.0
"""The largest number that half precision holds."""


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, fractions in half precision; whole numbers stay as they are.

    Raises ValueError when a weight is too large for it, or no number.
    """
    found = {}
    for key, value in tensors.items():
        tensor = value.detach().cpu().contiguous()
        if tensor.is_floating_point():
            if not bool(tensor.float().abs().max() <= _LARGEST):
                raise ValueError(f"{key} does not fit into half precision")
            tensor = tensor.to(torch.float16)
        found[key] = tensor
    return found
