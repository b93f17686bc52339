"""Fixtures: those of the Python package's tests."""

from tests.python.conftest import hub, start_hub

__all__ = ["hub", "start_hub"]
