"""The tensor names of code bases, where they are too many to stand beside their family."""
