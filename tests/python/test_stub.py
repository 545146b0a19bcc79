"""_core.pyi and _dds.pyi name exactly what the compiled modules have."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tensor_ipc
from tensor_ipc import _core

if TYPE_CHECKING:
    from types import ModuleType

MODULES: dict[str, ModuleType] = {"_core": _core}
if importlib.util.find_spec("tensor_ipc._dds") is not None:
    MODULES["_dds"] = importlib.import_module("tensor_ipc._dds")


def stub_of(module: str) -> ast.Module:
    path = Path(tensor_ipc.__file__).parent / f"{module}.pyi"
    return ast.parse(path.read_text(encoding="utf-8"))


CLASSES = [
    pytest.param(module, node, id=f"{module}.{node.name}")
    for module in MODULES
    for node in stub_of(module).body
    if isinstance(node, ast.ClassDef)
]


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def names_in(body: list[ast.stmt]) -> set[str]:
    """Functions, classes and annotated names of a stub's body."""
    names = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names += [
        node.target.id
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    return public(names)


def is_property(function: ast.FunctionDef) -> bool:
    return any(
        (isinstance(each, ast.Name) and each.id == "property")
        or (isinstance(each, ast.Attribute) and each.attr == "setter")
        for each in function.decorator_list
    )


@pytest.mark.parametrize("module", MODULES)
def test_stub_has_the_names_of_the_module(module: str) -> None:
    assert names_in(stub_of(module).body) == public(dir(MODULES[module]))


@pytest.mark.parametrize(("module", "stub"), CLASSES)
def test_stub_has_the_names_of_each_class(module: str, stub: ast.ClassDef) -> None:
    assert names_in(stub.body) == public(dir(getattr(MODULES[module], stub.name)))


@pytest.mark.parametrize(("module", "stub"), CLASSES)
def test_stub_knows_what_is_a_property(module: str, stub: ast.ClassDef) -> None:
    for node in stub.body:
        # For type checkers; not an attribute before Python 3.12, nor of types that get it late.
        if isinstance(node, ast.FunctionDef) and node.name != "__buffer__":
            found = inspect.getattr_static(getattr(MODULES[module], stub.name), node.name)
            assert isinstance(found, property) == is_property(node), node.name
