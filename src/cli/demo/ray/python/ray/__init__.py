"""Runs functions on many machines."""

__version__ = "1.11.0"
