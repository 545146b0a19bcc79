"""_core.pyi names exactly what the compiled module has."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import tensor_ipc
from tensor_ipc import _core

STUB = ast.parse((Path(tensor_ipc.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}


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
        isinstance(each, ast.Name) and each.id == "property" for each in function.decorator_list
    )


def test_stub_has_the_names_of_the_module() -> None:
    assert names_in(STUB.body) == public(dir(_core))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_stub_has_the_names_of_each_class(name: str) -> None:
    assert names_in(CLASSES[name].body) == public(dir(getattr(_core, name)))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_stub_knows_what_is_a_property(name: str) -> None:
    for node in CLASSES[name].body:
        # For type checkers; not an attribute before Python 3.12, nor of types that get it late.
        if isinstance(node, ast.FunctionDef) and node.name != "__buffer__":
            found = inspect.getattr_static(getattr(_core, name), node.name)
            assert isinstance(found, property) == is_property(node), node.name
