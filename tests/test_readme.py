"""What the README and the pages of docs/ say is so: their code blocks run, their links lead on."""

import re
import shlex
from pathlib import Path

import pytest
from pages import LOOKED_AT, ROOT, agree, blocks, commands, reading
from typer.main import get_command

from voxgate.cli.app import app

README = ROOT / "README.md"
PAGES = [README, ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = [*PAGES, *sorted(ROOT.glob("recipes/*/*.md")), ROOT / "benchmarks" / "README.md"]
RUN = [page for page in PAGES if {block.language for block in blocks(page)} & {"console", "python"}]

TRY = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/voxgate compare "
TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", RUN, ids=title)
def test_every_example_of_a_page_runs_as_it_says(page, tmp_path):
    with reading(tmp_path) as reader:
        for block in blocks(page):
            if block.language == "python":
                reader.execute(block, page)
            elif block.language == "console":
                for command, promised in commands(block.text):
                    printed = reader.run(command)
                    assert agree(promised, printed), f"{command}\nnow prints:\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_block_of_a_page_says_what_it_is(page):
    assert {block.language for block in blocks(page)} <= {"console", "python", *LOOKED_AT}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_command_line_of_a_page_is_understood(page):
    for block in blocks(page):
        for line in re.findall(r"(?:^|\| |\$ )voxgate (.+)", block.text, flags=re.MULTILINE):
            command, words = get_command(app), shlex.split(line, comments=True)
            while words and not words[0].startswith("-") and hasattr(command, "commands"):
                command = command.commands[words.pop(0)]
            command.make_context(line, words)  # raises what a user would be told


@pytest.mark.parametrize("page", SHOWN, ids=title)
def test_every_link_within_the_project_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    for target in targets:
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_sets_up_and_runs_in_two_commands():
    lines = [block.text.strip() for block in blocks(README) if block.language == "sh"]
    assert [line.startswith(TRY) for line in lines] == [True, False]
    assert lines[1] == TEST


def test_ci_runs_the_tests_by_the_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [line.strip() for line in script.splitlines()].count(TEST) == 1


SESSION = """\
$ voxgate speakers list
  speaker  recordings  speech  enrolled
  ada               2   9.4 s  2026-01-31
"""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("speaker recordings speech enrolled\n\nada 2 9.5 s 2027-02-01\n", True),
        ("speaker recordings speech enrolled\nada 2 19.4 s 2026-01-31\n", False),
        ("speaker recordings speech enrolled\nalan 2 9.4 s 2026-01-31\n", False),
        ("speaker recordings speech enrolled\n", False),
        ("speaker recordings speech enrolled\nada 2 9.4 s 2026-01-31\nmore\n", False),
    ],
)
def test_a_page_is_held_to_its_word_but_for_the_last_figure(printed, expected):
    ((command, promised),) = commands(SESSION)
    assert command == "voxgate speakers list"
    assert agree(promised, printed) == expected


def test_dots_stand_for_any_lines():
    assert agree("first\n...\nlast\n", "first\nsecond\nthird\nlast\n")
    assert agree("first\n...\n", "first\nsecond\n")
    assert not agree("first\n...\nlast\n", "first\nsecond\n")
    assert not agree("one line\n...\none line\n", "one line\n")
