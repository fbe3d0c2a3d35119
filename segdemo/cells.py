"""What stands in the cells of a table that programs and spreadsheets read."""

import math

# Before these a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: str | float) -> str:
    """Anybody's text as no formula, a figure with all its digits, nothing for NaN."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if math.isnan(value) else repr(float(value))
