"""The library beside what its users would take instead, and beside the least the machine can do.

``scripts/bench-compare`` is the command; ``bench/README.md`` says what is measured and how. The way of
one measurement: ``schedule`` -> ``process`` -> ``host`` -> ``roles``, with ``seal`` for what a frame
carries and ``contract`` for what a contender has to be.
"""
