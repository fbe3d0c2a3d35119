"""Networks that other libraries saved and build themselves; each library is an optional extra."""

from segdemo.libraries.base import LibraryNetwork
from segdemo.libraries.claims import Claim, claim

__all__ = ["Claim", "LibraryNetwork", "claim"]
