"""The Markdown of a table, and of what stands in its cells."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """The first ``words`` columns to the left, numbers to the right."""
    sides = ["---" if place < words else "--:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, sides, *rows))


def pixels(size: tuple[int, int]) -> str:
    """Width and height."""
    return f"{size[0]} × {size[1]}"
