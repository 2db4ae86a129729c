"""Grids: many prompts x models x parameters x repeats, as a live table."""

from __future__ import annotations

from ipyllm.sweep.grid import Grid, grid
from ipyllm.sweep.row import Row

__all__ = ("Grid", "Row", "grid")
