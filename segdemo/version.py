"""The version of the package, in one place."""

VERSION = "0.2.0"
"""As PEP 440 has it; the wheel, ``segdemo --version`` and ``segdemo.__version__`` say the same."""
