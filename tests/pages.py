"""The code blocks of the documentation, run as a reader would run them.

    python tests/pages.py README.md docs/python.md     # write anew what the commands print

A page's blocks run in order, in a folder of their own that holds `examples/`, with a store of
their own. ```console blocks are commands after "$ " and what they print: it must be printed
again, but for numbers that differ in their last figure or by a tenth, dates, and lines that a
line "..." stands for. ```python blocks share their names. Blocks in LOOKED_AT are only read.
"""

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LOOKED_AT = {"bash", "sh", "toml", "json", "text"}
PORT = "8765"  # where the pages let a service listen
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\d.]*\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T][\d:.+]+)?")


class Block(NamedTuple):
    """A fenced piece of a page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(text)
    ]


def commands(console: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what is said that it prints."""
    assert console.startswith("$ "), "a console block begins with a command"
    parts = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [tuple(part.split("\n", 1)) for part in parts]


class Reader:
    """Somebody who does what a page says, in a shell and in Python."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {"__name__": "page"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])  # two readers may be at it at once

    def run(self, command: str) -> str:
        """What a command prints, spaces at the ends of lines left out."""
        done = subprocess.run(  # noqa: S602 - the page is ours
            command.replace(PORT, self._port), shell=True, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        return re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)

    def execute(self, block: Block, page: Path) -> None:
        """Run a python block; what it prints is not looked at."""
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
        with redirect_stdout(io.StringIO()):
            exec(code, self.names)  # noqa: S102 - the page is ours


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    """A reader in a folder of their own, with the examples, the command and an empty store."""
    work, tools = folder / "work", folder / "tools"
    shutil.copytree(ROOT / "examples" / "voices", work / "examples" / "voices")
    tools.mkdir()
    command = tools / "voxgate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m voxgate "$@"\n')
    command.chmod(0o755)
    before = Path.cwd(), dict(os.environ)
    for name in ("VOXGATE_KEY", "VOXGATE_DEBUG", "FORCE_COLOR"):
        os.environ.pop(name, None)
    os.environ["VOXGATE_STORE"] = f"sqlite:///{folder}/voices.db"
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    os.chdir(work)
    try:
        yield Reader()
    finally:
        end_service(work / "service.pid")
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])


def end_service(pid: Path) -> None:
    """End a service that a page has started, if the page did not come to its end."""
    if pid.exists():
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGTERM)


def agree(promised: str, printed: str) -> bool:
    """Whether a command prints what the page says, near enough."""
    said, found = _lines(promised), _lines(printed)
    if "..." in said:
        gap = said.index("...")
        head, tail = said[:gap], said[gap + 1 :]
        if len(found) < len(head) + len(tail):
            return False
        found = found[: len(head)] + found[len(found) - len(tail) :]
        said = head + tail
    return len(said) == len(found) and all(map(_alike, said, found))


def _lines(text: str) -> list[str]:
    """The lines that are not empty; how wide the spaces in them are says nothing."""
    lines = (" ".join(_DATE.sub("DATE", line).split()) for line in text.splitlines())
    return [line for line in lines if line]


def _alike(said: str, found: str) -> bool:
    if _NUMBER.sub("#", said) != _NUMBER.sub("#", found):
        return False
    return all(map(_near, _NUMBER.findall(said), _NUMBER.findall(found)))


def _near(said: str, found: str) -> bool:
    last_figure = 10.0 ** -len(said.partition(".")[2])
    a, b = (float(number.replace(",", "")) for number in (said, found))
    return abs(a - b) <= max(1.01 * last_figure, 0.1 * abs(a))


def rewrite(page: Path) -> None:
    """Put into a page what its commands print now."""
    text = page.read_text(encoding="utf-8")
    with TemporaryDirectory() as folder, reading(Path(folder)) as reader:
        for block in blocks(page):
            if block.language == "python":
                reader.execute(block, page)
            if block.language != "console":
                continue
            now = ""
            for command, promised in commands(block.text):
                printed = reader.run(command)
                if printed and not printed.endswith("\n"):
                    printed += "\n"
                blank = "\n" if f"\n{promised}".endswith("\n\n") else ""
                now += f"$ {command}\n{promised if '...' in promised else printed + blank}"
            text = text.replace(block.text, now)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name).resolve())
