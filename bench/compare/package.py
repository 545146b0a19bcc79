"""A contender on its way from the parent into a process of its job."""

from __future__ import annotations

import importlib
import pickle
import pickletools
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.compare.contract import Contender


#: Later ones put the names of modules together at run time.
_NAMES_EACH_MODULE = 2


class Package:
    """Holds back what the contender consists of until it is opened.

    Semaphores and queues of multiprocessing are handed over by the parent, and opened when they are
    unpickled. That belongs to attaching, and would else be over before anybody looks at the time.
    """

    def __init__(self, contender: Contender) -> None:
        self._contender = contender

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the contender; called while a process is spawned."""
        contents = bytes(ForkingPickler.dumps(self._contender, _NAMES_EACH_MODULE))
        modules = {
            str(argument).split()[0]
            for code, argument, _ in pickletools.genops(contents)
            if code.name == "GLOBAL"
        }
        return {"modules": sorted(modules), "contents": contents}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive. Imports are no part of attaching."""
        for module in state["modules"]:
            importlib.import_module(module)
        self._contents = state["contents"]

    def open(self) -> Contender:
        """Return the contender."""
        contender: Contender = pickle.loads(self._contents)
        return contender
