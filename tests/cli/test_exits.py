import json
import os
import signal
import subprocess
import sys

import pytest
import typer

import voxgate as package

from .conftest import environment

COMMANDS = ("compare", "enroll", "verify", "identify", "closest", "speakers list", "speakers show",
            "speakers delete", "speakers export", "speakers import", "embed", "spectrogram",
            "record", "packs list", "packs info")  # fmt: skip


def breaks(monkeypatch, error: BaseException) -> None:
    """Let `voxgate packs list` fail with this."""

    def fail() -> None:
        raise error

    monkeypatch.setattr("voxgate.packs.installed", fail)


def test_the_version_is_printed(voxgate):
    assert voxgate("--version").stdout == f"voxgate {package.__version__}\n"


def test_the_module_runs_as_the_command_does(voxgate_process):
    result = voxgate_process("--version")
    assert (result.returncode, result.stdout) == (0, f"voxgate {package.__version__}\n")


def test_nothing_at_all_shows_the_help_and_fails(voxgate):
    result = voxgate()
    assert result.exit_code == 2
    assert "Exit codes:" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_exit_codes(voxgate, command):
    result = voxgate(*command.split(), "--help")
    text = " ".join(result.stdout.replace("│", " ").split())
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Exit code 0: " in text
    assert "--json" in text


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name.split()[-1] not in ("list", "show", "delete")]
)
def test_every_command_that_takes_something_has_examples(voxgate, command):
    assert f"voxgate {command} " in voxgate(*command.split(), "--help").stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [("ui", "ui"), ("serve", "server"), ("packs convert", "train"), ("packs pull", "train")],
)
def test_help_names_the_extra_that_a_command_needs(voxgate, command, extra):
    assert f"install 'voxgate[{extra}]'" in " ".join(
        voxgate(*command.split(), "--help").stdout.split()
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "No such command 'nonsense'. See: voxgate --help"),
        (["compare", "a.wav"], "Missing argument 'B'. See: voxgate compare --help"),
        (["compare", "a", "b", "--near", "1"], "No such option: --near"),
        (["packs"], "Missing command. See: voxgate packs --help"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_one_sentence(voxgate, words, message):
    result = voxgate(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_command_line_that_makes_no_sense_is_json_for_programs(voxgate):
    result = voxgate("compare", "a.wav", "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    assert json.loads(result.stdout)["error"]["type"] == "UsageError"


def test_json_after_a_double_dash_is_no_option(voxgate):
    result = voxgate("compare", "--", "a.wav", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_an_unexpected_error_says_how_to_see_more(voxgate, monkeypatch):
    breaks(monkeypatch, KeyError("lost"))
    result = voxgate("packs", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "KeyError: 'lost'" in result.stderr
    assert "VOXGATE_DEBUG=1" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unexpected_error_is_json_for_programs(voxgate, monkeypatch):
    breaks(monkeypatch, KeyError("lost"))
    assert json.loads(voxgate("packs", "list", "--json").stdout)["error"]["type"] == "KeyError"


def test_the_traceback_is_shown_when_asked_for(voxgate, monkeypatch):
    breaks(monkeypatch, KeyError("lost"))
    assert "Traceback" in voxgate("--debug", "packs", "list").stderr
    monkeypatch.setenv("VOXGATE_DEBUG", "1")
    assert "Traceback" in voxgate("packs", "list").stderr


def test_ctrl_c_is_one_line_and_exit_code_130(voxgate, monkeypatch):
    breaks(monkeypatch, KeyboardInterrupt())
    result = voxgate("packs", "list")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.strip() == "voxgate: Interrupted."


def test_an_unanswered_question_is_exit_code_two(voxgate, monkeypatch):
    breaks(monkeypatch, typer.Abort())
    result = voxgate("packs", "list")
    assert result.exit_code == 2
    assert "not answered with yes" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close in another way there")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_closed_pipe_is_no_error(pack, form):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "voxgate", "packs", "info", str(pack), *form]
    result = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment(), check=False
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (128 + signal.SIGPIPE, "")


def test_a_name_that_the_terminal_lacks_does_not_stop_the_answer(voxgate_process, pack, said):
    name = "\u0645\u0631\u062d\u0628\u0627.flac"
    a, b = said("ada", 1, name=name), said("ada", 2)
    plain = {**environment(), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "voxgate", "compare", a, b]
    result = subprocess.run(command, capture_output=True, text=True, env=plain, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "?????.flac" in result.stdout


def test_without_a_terminal_there_is_no_colour_and_no_wrapping(voxgate_process, said):
    result = voxgate_process("compare", said("ada", 1), said("ada", 2))
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines()[1] == ""  # the verdict is one line, however long


@pytest.mark.parametrize(("no_color", "colour"), [(None, True), ("1", False)])
def test_a_terminal_has_colour_unless_it_is_not_wanted(pack, said, no_color, colour):
    pty = pytest.importorskip("pty")
    settings = {
        **environment(),
        "TERM": "xterm-256color",
        **({"NO_COLOR": no_color} if no_color else {}),
    }
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "voxgate", "compare", said("ada", 1), said("ada", 2)]
    result = subprocess.run(command, stdout=theirs, stderr=theirs, env=settings, check=False)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert result.returncode == 0
    assert "Same voice" in shown
    assert ("\x1b[1;32m" in shown) == colour


def test_the_shell_can_complete_a_command(voxgate, monkeypatch):
    monkeypatch.setenv("_VOXGATE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "voxgate co")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert voxgate().stdout.split() == ["compare"]


def test_ctrl_c_at_the_very_start_is_silent():
    code = (
        "import builtins, voxgate.cli\n"
        "real = builtins.__import__\n"
        "def stop(name, *rest):\n"
        "    if name == 'voxgate.cli.app': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = stop\n"
        "voxgate.cli.main()"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, env=environment(), check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"")
