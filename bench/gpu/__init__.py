"""Pools and GPUs: what only hardware can show, in figures. ``scripts/bench-gpu``."""
