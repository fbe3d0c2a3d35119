"""What a label map is."""

import numpy as np
import numpy.typing as npt

VOID = 255
"""The label of a pixel of which nothing is said."""

Labels = npt.NDArray[np.uint8]
"""(H, W): class numbers, 0 being the ground."""
