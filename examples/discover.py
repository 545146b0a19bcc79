"""Watches the network for pools, and reads those of this host as they appear.

    python examples/discover.py [--seconds S] [--domain ID]

Needs a tensor-ipc that was built with DDS (docs/dds.md). Start producers anywhere: here, on this host,
or on another one with TENSOR_IPC_DDS_INTERFACE set on both.
"""

from __future__ import annotations

import argparse
import sys
import time

from tensor_ipc import NetworkPool, PoolNotFoundError, TensorConsumer, discover


def describe(pool: NetworkPool) -> str:
    """Return a line about a pool."""
    state = "alive" if pool.alive else "dead"
    shape = " x ".join(str(extent) for extent in pool.metadata.shape) or "scalar"
    return f"{pool.name} on {pool.host}: {shape} {pool.metadata.dtype_str}, {state}"


def read_one(pool: NetworkPool) -> str:
    """Return what the newest frame of a pool of this host holds."""
    try:
        # What the network says is checked against the pool itself: TensorConsumer raises
        # MetadataMismatchError if the two differ.
        with TensorConsumer(pool.metadata) as consumer:
            frame = consumer.get_frame()
    except PoolNotFoundError:
        frame = None
    if frame is None:
        return "no frame yet"
    return f"frame {frame.index}, {frame.age_s * 1e3:.0f} ms old"


def main() -> int:
    """Look until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--domain", type=int)
    arguments = parser.parse_args()

    known: set[tuple[str, str, int]] = set()
    end_s = time.monotonic() + arguments.seconds
    while time.monotonic() < end_s:
        for pool in discover(0.5, dds_participant=arguments.domain):
            identity = (pool.name, pool.host_id, pool.generation)
            if identity not in known:
                known.add(identity)
                print(describe(pool), flush=True)
                if pool.is_local and pool.alive:
                    print(f"  {read_one(pool)}", flush=True)
    print(f"{len(known)} pools seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
