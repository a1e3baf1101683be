"""Imports go one way, read from the source: nothing is imported to find out."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import voxgate

ROOT = Path(voxgate.__file__).parent

ORDER = (  # a module imports from its own row and those above it
    {"errors", "extras"},
    {
        "atomic",
        "audio",
        "containers",
        "decoders",
        "download",
        "features",
        "hosts",
        "interrupts",
        "sessions",
    },
    {"classifier", "feeding", "frontends", "manifest", "scoring"},
    {"packs", "networks", "vad", "quality", "speech", "embed", "comparison", "pitch", "plane"},
    {"install", "hub"},
    {"embeddings_file", "store", "search"},
    {
        "consent",
        "decision",
        "enrolment",
        "verify",
        "microphone",
        "plots",
        "drawings",
        "migration",
        "streaming",
    },
    {"evaluate", "streaming"},
    {"convert"},
    {"cli", "train", "server", "ui"},
)
RANK = {module: rank for rank, row in enumerate(ORDER) for module in row}
FRONT_DOORS = ORDER[-1]
OUTSIDE = {"__init__", "__main__"}  # the package's face and its start: they may import any

FILES = sorted(ROOT.rglob("*.py"))


def part(path: Path) -> str:
    """The module or package right under voxgate that a file belongs to."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported(node: ast.AST) -> list[str]:
    """The voxgate modules, without "voxgate.", that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        whole = [f"voxgate.{alias.name}" for alias in node.names]
        names = whole if node.module == "voxgate" else [node.module or ""]
    else:
        names = []
    return [name.removeprefix("voxgate.") for name in names if name.startswith("voxgate.")]


def at_import(tree: ast.Module) -> list[ast.stmt]:
    """The import statements that run when the module is imported."""
    return [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    importer = part(path)
    if importer in OUTSIDE:
        return
    assert importer in RANK, f"say in ORDER where {importer} belongs"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    early = at_import(tree)
    for node in ast.walk(tree):
        for name in {module.partition(".")[0] for module in imported(node)} & {*RANK}:
            late_in_cli = importer == "cli" and node not in early  # a command may start anything
            if name in FRONT_DOORS and name != importer and not late_in_cli:
                pytest.fail(f"{importer} imports {name}, line {node.lineno}")
            assert RANK[name] <= RANK[importer], f"{importer} imports {name}, line {node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_are_absolute(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    relative = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
    assert relative == []


def test_no_modules_import_each_other():
    graph = {}
    for path in FILES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graph[name] = {module for node in at_import(tree) for module in imported(node)} - {name}
    TopologicalSorter(graph).prepare()  # raises CycleError
