#!/usr/bin/env bash
# safetensors 0.8.0: the order of a network's layers does not come through a file.
#
# Expected: a state dict that is saved and loaded has its tensors in the order in which it was saved,
# as with torch.save, where the order tells which layer comes first; at least the same order each
# time. Behaviour: the file itself has all tensors of wider numbers before those of narrower ones, and
# equal widths by name as text, "10" before "2", which `load_file` returns; `safe_open` lists all by
# name; and `load` from bytes returns them in an order that differs from one process to the next. So
# the counters of batch norms (int64) come first, a decoder "dec" precedes its encoder "enc", and a
# tool that reads what follows what from the order of a file is wrong.
#
# Fails when one of the three orders changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy
cat > "$folder/order.py" <<'PY'
import json
import struct
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, load_file, save, save_file

saved = {}
for name in ("enc.2", "enc.10", "mid", "dec.1"):
    saved[f"{name}.weight"] = np.zeros((2, 2), np.float32)
    saved[f"{name}.count"] = np.zeros((), np.int64)
content, path = save(saved), sys.argv[1]
save_file(saved, path)
header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
by_place = sorted(header, key=lambda name: header[name]["data_offsets"])
with safetensors.safe_open(path, "np") as file:
    opened = list(file.keys())
print(json.dumps({
    "version": safetensors.__version__,
    "saved": list(saved),
    "in the file": by_place,
    "load_file": list(load_file(path)),
    "safe_open": opened,
    "load": list(load(content)),
}))
PY
for _ in 1 2 3 4 5 6; do
    "$folder/venv/bin/python" "$folder/order.py" "$folder/a.safetensors"
done > "$folder/runs"
"$folder/venv/bin/python" - "$folder/runs" <<'PY'
import json
import sys

runs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
first = runs[0]
for name, value in first.items():
    print(f"{name}: {value}")
orders = {tuple(run["load"]) for run in runs}
print("different orders of load in", len(runs), "processes:", len(orders))
counters = sorted(name for name in first["saved"] if name.endswith("count"))
weights = sorted(name for name in first["saved"] if name.endswith("weight"))
assert first["in the file"] == counters + weights
assert all(run[way] == first[way] for run in runs for way in ("in the file", "load_file"))
assert first["load_file"] == first["in the file"]
assert first["safe_open"] == sorted(first["saved"])
assert len(orders) > 1
PY
