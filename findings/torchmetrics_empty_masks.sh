#!/usr/bin/env bash
# torchmetrics 1.9.0: an empty prediction of an empty truth has two different scores.
#
# Expected: one library gives 0/0 one value. Behaviour: in torchmetrics.functional.classification the
# IoU and the F1 score (Dice) of two empty masks are 0, the worst there is (zero_division=0), while in
# torchmetrics.functional.segmentation the mean IoU and the Dice score of the same masks are NaN. So a
# data set with images that hold nothing to find loses points by one half of the library, and none by
# the other. Also, only the former counts an empty truth with something found as 0 beside it: both
# cases get the same 0 there.
#
# Fails when one of the values changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch numpy
"$folder/venv/bin/python" - <<'PY'
import math

import torch
from torchmetrics import __version__
from torchmetrics.functional.classification import binary_f1_score, binary_jaccard_index
from torchmetrics.functional.segmentation import dice_score, mean_iou

empty = torch.zeros(1, 1, 4, 4, dtype=torch.int)
found = empty.clone()
found[..., 0] = 1
as_classes = {
    "IoU, both empty": binary_jaccard_index(empty, empty),
    "F1, both empty": binary_f1_score(empty, empty),
    "IoU, only the truth empty": binary_jaccard_index(found, empty),
}
as_segments = {
    "mean IoU, both empty": mean_iou(empty, empty, num_classes=1),
    "Dice, both empty": dice_score(empty, empty, num_classes=1),
    "mean IoU, only the truth empty": mean_iou(found, empty, num_classes=1),
}
print("torchmetrics", __version__)
for name, value in as_classes.items():
    print(f"classification  {name}: {float(value)}")
    assert float(value) == 0.0, name
for name, value in as_segments.items():
    print(f"segmentation    {name}: {float(value)}")
both = [float(as_segments[name]) for name in ("mean IoU, both empty", "Dice, both empty")]
assert all(map(math.isnan, both)), both
PY
