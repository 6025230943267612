"""Syntax of the project's modules, each read and parsed once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text())


def nested_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a module or a statement, and all statements in it.

    Imports and definitions are statements, and most nodes of a tree are expressions.
    """
    yield node
    for block in ("body", "orelse", "handlers", "finalbody", "cases"):
        for statement in getattr(node, block, ()):
            yield from nested_statements(statement)


def imported_modules(node: ast.AST) -> Iterator[str]:
    """Yield the names of modules that a module or a statement imports, and of what it imports from modules."""
    for statement in nested_statements(node):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield str(statement.module)
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
