"""Benchmarks, and what makes tables and plots of them."""
