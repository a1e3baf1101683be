"""Which recordings a command's words mean: files as they are, folders by what is in them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from voxgate.containers import RECORDING_SUFFIXES


def find_recordings(words: Iterable[str]) -> list[str]:
    """File names in the order given, folders searched through in alphabetical order.

    Nothing comes twice, and hidden files in folders are left out. A name that does not exist,
    and a folder without recordings, stay: whoever reads them says what is wrong.
    """
    found: dict[str, None] = {}
    for word in words:
        name = word if word == "-" else os.path.normpath(word)
        inside = list(_search(Path(name))) if word != "-" else []
        found.update(dict.fromkeys(inside or [name]))
    return list(found)


def _search(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if path.suffix.lower() in RECORDING_SUFFIXES and not name.startswith("."):
                yield str(path)
