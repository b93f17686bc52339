"""Tests of the Python package, against real hubs in processes of their own."""
