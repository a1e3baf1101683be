"""All texts of the page are in one place."""

import ast
import re
from pathlib import Path

import pytest

import voxgate.ui
from voxgate.ui import strings

FOLDER = Path(voxgate.ui.__file__).parent
PAGES = [path for path in sorted(FOLDER.glob("*.py")) if path.name != "strings.py"]
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")
FOR_OTHERS = {"desk.py", "takes.py"}  # messages of errors, as below the page


def texts(path: Path) -> list[str]:
    """String literals of a file that read like a sentence, without docstrings and HTML."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and node not in docstrings
    ]  # fmt: skip
    return [text for text in found if SENTENCE.search(re.sub(r"<[^>]*>?", "", text))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_no_sentence_of_its_own(path):
    if path.name in FOR_OTHERS:
        return
    assert [text for text in texts(path) if text != "The page failed."] == []


def test_every_text_is_used():
    used = "".join(path.read_text("utf-8") for path in PAGES)
    names = [name for name in vars(strings) if name.isupper()]
    assert [name for name in names if not re.search(rf"\b{name}\b", used)] == []
