"""What ``tensor-ipc bench`` measures: ``puts``, ``gets`` and ``wakes``, in fresh processes.

``docs/performance.md`` has the project's real benchmarks. These few figures tell how the machine
at hand does.
"""
