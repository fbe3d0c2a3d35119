"""Networks that other libraries saved and build themselves; each library is an optional extra."""

from segdemo.libraries.base import LibraryNetwork
from segdemo.libraries.claims import Claim, claim, from_tensors, is_ambiguous

__all__ = ["Claim", "LibraryNetwork", "claim", "from_tensors", "is_ambiguous"]
