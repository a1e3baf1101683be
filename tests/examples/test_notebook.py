"""The notebook example, run from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def cells():
    book = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    nbformat.validate(book)
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    return [cell for cell in book.cells if cell.cell_type == "code"]


def said(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def test_it_enrols_verifies_identifies_and_draws(cells):
    _, enrol, verify, identify, look = cells
    assert said(enrol).count("Enrolled") == 3
    assert "Accepted as ada" in said(verify)
    assert "another voice than that of ada" in said(verify)
    assert "This is alan" in said(identify)
    assert "None of them" in said(identify)
    assert any("image/png" in output.get("data", {}) for output in look.outputs)


def test_it_is_stored_without_what_it_printed_and_stays_short():
    book = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert sum(len(cell.source.splitlines()) for cell in code) < 80
