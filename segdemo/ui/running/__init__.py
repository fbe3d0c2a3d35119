"""The line that says what runs."""
