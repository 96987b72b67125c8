"""The source as the rules see it, read when they run."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    path: str
    text: str
    tree: ast.Module


def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file of these folders, e.g. "savdo"."""
    return tuple(source for folder in folders for source in _read(folder))


# Reading a file into a tree is most of the time of these rules.
@functools.cache
def _read(folder: str) -> tuple[Source, ...]:
    found = sorted((ROOT / folder).rglob("*.py"))
    return tuple(Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text)) for path in found for text in [path.read_text()])


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Each function's name with its line, and its length in lines."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{source.path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


@functools.cache
def imports(tree: ast.AST) -> tuple[tuple[str, int], ...]:
    """Each imported module with its line; `from a import b` gives a and a.b."""
    return tuple(_imports(tree))


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
