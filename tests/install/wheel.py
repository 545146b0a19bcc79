"""Run with the Python of an environment that has nothing but the wheel: DDS is inside, and works."""

import os
import sys
from pathlib import Path

os.environ["TENSOR_IPC_DDS_DOMAIN"] = str(20 + os.getpid() % 20)

import numpy as np

import tensor_ipc

home = Path(tensor_ipc.__file__).resolve().parent
assert Path(sys.prefix).resolve() in home.parents, f"not that of this environment: {home}"

domain = int(os.environ["TENSOR_IPC_DDS_DOMAIN"])
with tensor_ipc.TensorProducer.from_sample(
    "wheel", np.zeros(3), dds_participant=domain
) as pool:
    pool.put(np.arange(3.0))
    found = []
    while not found:
        found = [each for each in tensor_ipc.discover(timeout=0.5) if each.name == "wheel"]

maps = Path("/proc/self/maps").read_text().splitlines()
loaded = {line.split()[-1] for line in maps if "libddsc" in line}
assert loaded, "discover() worked without Cyclone DDS"
assert all(Path(path).is_relative_to(home.parent) for path in loaded), loaded
print(f"found {found[0].name} {found[0].metadata.shape} with {', '.join(sorted(loaded))}")
