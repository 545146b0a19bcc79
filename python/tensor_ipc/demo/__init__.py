"""The demo: real frames cross three processes and every byte of them is checked.

``engine`` starts the processes and collects what they report, ``producer`` publishes the
frames that a source from ``sources`` draws, ``consumers`` receive and verify them, and
``seal`` is what lets them verify. ``tensor-ipc demo`` shows it.
"""
