"""The comparison viewer: its component, its data, its runs."""
