"""From raw figures to ``docs/performance.md``: ``collect``, then ``table`` and ``plot``."""
