"""Many images through several networks: what was dropped, what is counted, what is kept."""

from segdemo.batch.export import write_archive, write_table
from segdemo.batch.members import MAX_PICTURES, Member, Pair, gather, match
from segdemo.batch.run import Network, Outcome, Run
from segdemo.batch.tables import Tables, measure

__all__ = [
    "MAX_PICTURES",
    "Member",
    "Network",
    "Outcome",
    "Pair",
    "Run",
    "Tables",
    "gather",
    "match",
    "measure",
    "write_archive",
    "write_table",
]
