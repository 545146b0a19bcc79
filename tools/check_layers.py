"""Fail when a file in src/tensor_ipc includes a layer that its own may not use."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Each layer and the layers it may include besides itself, from the bottom up.
MAY_INCLUDE: dict[str, set[str]] = {
    "base": set(),
    "tensor": {"base"},
    "os": {"base"},
    "cuda": {"base", "tensor", "os"},
    "layout": {"base", "tensor"},
    "memory": {"base", "tensor", "os", "layout"},
    "notify": {"base", "os"},
    "ring": {"base", "tensor", "layout"},
    "segment": {"base", "tensor", "os", "cuda", "layout"},
    "pool": {"base", "tensor", "os", "cuda", "layout", "memory", "notify", "ring", "segment"},
    "dlpack": {"base", "tensor", "pool"},
    "cdr": {"base", "tensor"},
    "ros": {"base", "tensor", "os", "layout", "segment", "pool", "cdr", "dds"},
    "bindings": {"base", "tensor", "os", "pool", "dlpack"},
    "dds": {"base", "tensor", "os", "layout", "notify", "segment", "pool"},
    "dds_bindings": {"base", "tensor", "os", "pool", "bindings", "dds", "mirror", "cdr", "ros"},
    "record": {"base", "tensor", "pool"},
    "mirror": {"base", "tensor", "os", "layout", "segment", "pool", "dds"},
}
# Where one layer may use one header of another, and no more of it.
ONLY: dict[tuple[str, str], str] = {("segment", "cuda"): "memory_ticket.hpp"}
OURS = re.compile(r'#include "tensor_ipc/(\w+)/([\w.]+)')
SYSTEM = re.compile(r"#include <(sys/|linux/|dlfcn\.h|fcntl\.h|unistd\.h|poll\.h)")


def faults(root: Path) -> list[str]:
    """Return one line for each include that breaks the order of layers."""
    found = []
    for path in sorted(root.glob("*/**/*.[hc]pp")):
        layer = path.relative_to(root).parts[0]
        if layer not in MAY_INCLUDE:
            found.append(f"{path}: {layer}/ has no row in MAY_INCLUDE")
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            ours = OURS.match(line)
            if ours and ours[1] not in MAY_INCLUDE[layer] | {layer}:
                found.append(f"{path}:{number}: {layer}/ may not include {ours[1]}/")
            elif ours and ours[2] != ONLY.get((layer, ours[1]), ours[2]):
                only = ONLY[layer, ours[1]]
                found.append(
                    f"{path}:{number}: of {ours[1]}/, {layer}/ may include {only} only"
                )
            if layer != "os" and SYSTEM.match(line):
                found.append(f"{path}:{number}: system headers belong in os/")
    return found


if __name__ == "__main__":
    problems = faults(Path(sys.argv[1] if len(sys.argv) > 1 else "src/tensor_ipc"))
    print("\n".join(problems) or "layers: ok")
    sys.exit(bool(problems))
