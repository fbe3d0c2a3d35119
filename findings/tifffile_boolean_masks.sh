#!/usr/bin/env bash
# tifffile 2026.3.3 and Pillow 12.3.0: a boolean mask written by one is inverted by the other.
#
# Expected: a NumPy array of bool that tifffile writes is read by Pillow as the same array, as an
# array of uint8 is. Behaviour: tifffile stores 1 bit a pixel with PhotometricInterpretation 0
# (WhiteIsZero), with a set bit for True, and reads it back as it was; Pillow honours the tag and
# turns every pixel round. A mask has no other pixel right, so Dice is 0, and nothing says so; what
# trains on such masks trains on the complement. Written by Pillow the same mask has the tag 1
# (BlackIsZero) and both libraries agree.
#
# Fails when the values change.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tifffile==2026.3.3 pillow==12.3.0 numpy
"$folder/venv/bin/python" - <<'PY'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image

mask = np.zeros((32, 48), bool)
mask[4:12, 5:20] = True


def both(content):
    """What each library reads, and the tag."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        by_tifffile, tag = file.pages[0].asarray(), int(file.pages[0].photometric)
    with Image.open(io.BytesIO(content)) as image:
        by_pillow = np.asarray(image)
    return by_tifffile, by_pillow, tag


print("tifffile", tifffile.__version__, "Pillow", PIL.__version__)

stream = io.BytesIO()
tifffile.imwrite(stream, mask)
by_tifffile, by_pillow, tag = both(stream.getvalue())
print(f"bool by tifffile   tag {tag}: equal by tifffile {np.mean(by_tifffile == mask)},"
      f" by Pillow {np.mean(by_pillow == mask)}")
assert tag == 0
assert np.array_equal(by_tifffile, mask)
assert by_pillow.dtype == bool and np.array_equal(by_pillow, ~mask)

stream = io.BytesIO()
Image.fromarray(mask).save(stream, "TIFF")
by_tifffile, by_pillow, tag = both(stream.getvalue())
print(f"bool by Pillow     tag {tag}: equal by tifffile {np.mean(by_tifffile == mask)},"
      f" by Pillow {np.mean(by_pillow == mask)}")
assert tag == 1
assert np.array_equal(by_tifffile, mask) and np.array_equal(by_pillow, mask)

stream = io.BytesIO()
tifffile.imwrite(stream, mask.astype(np.uint8) * 255)
by_tifffile, by_pillow, tag = both(stream.getvalue())
print(f"uint8 by tifffile  tag {tag}: equal by tifffile {np.mean((by_tifffile > 0) == mask)},"
      f" by Pillow {np.mean((by_pillow > 0) == mask)}")
assert np.array_equal(by_tifffile > 0, mask) and np.array_equal(by_pillow > 0, mask)
PY
