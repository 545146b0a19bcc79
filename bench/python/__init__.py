"""The Python benchmarks. ``scripts/bench`` runs them; ``docs/performance.md`` says what they measure."""
