"""Classifies the files of a repository by name: weights, unsupported weights, or neither."""

import re
from pathlib import PurePosixPath
from typing import Literal

Form = Literal["weights", "unread", "other"]

WEIGHT_ENDINGS = (
    *(".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar", ".model", ".weights"),
    ".onnx",
)
_UNREAD = (
    "ort keras h5 hdf5 gguf ggml tflite pkl pickle joblib pb msgpack mlmodel mlpackage pte"
    " ptl torchscript engine trt caffemodel ot pdparams pdiparams rknn hef mnn"
)
# What training keeps beside its weights, in their forms.
_TRAINING = re.compile(
    r"(optimizer|optim|scheduler|scaler|lr_scheduler)([_\-.].*)?\.(pt|pth|bin|safetensors|ckpt)"
    r"|training_args\.bin|rng_state.*\.pth|random_states.*\.pkl|trainer_state.*"
    r"|events\.out\.tfevents.*|.*\.index\.json",
    re.IGNORECASE,
)
# In the forms of weights, of other programs or for other purposes.
_OTHER_PROGRAMS = re.compile(r"openvino.*\.bin|.*\.(torchscript|mobile)\.pt", re.IGNORECASE)
_NO_ENDING = re.compile(r"[\w\-=]+(\.\d[\w\-=]*)*", re.ASCII)


def form_of(path: str, *, large: bool = False) -> Form:
    """Classify a file by its name: "weights", "unread" for an unsupported format, or "other".

    ``large`` says that it lies in large file storage: such files may be weights without any ending.
    """
    name = PurePosixPath(path).name
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if _TRAINING.fullmatch(name):
        return "other"
    if (
        ending in _UNREAD.split()
        or _OTHER_PROGRAMS.fullmatch(name)
        or name.endswith(".not_safetensors")
    ):
        return "unread"
    if f".{ending}" in WEIGHT_ENDINGS or (large and _NO_ENDING.fullmatch(name)):
        return "weights"
    return "other"
