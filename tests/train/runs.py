"""Runs of `voxgate train` with a tiny network, and what is read of their folders."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus import EXPERIMENT

from voxgate.cli import main
from voxgate.train.run_folder import RunFolder


def command(folder: Path, name: str, *words: str, steps: int = 4) -> list[str]:
    """What comes after `voxgate` to train the run of this name."""
    experiment = folder / f"{name}.toml"
    experiment.write_text(EXPERIMENT.format(steps=steps))
    places = {"data": "data", "noise": "noise", "cache": "cache", "out": name}
    options = [word for key, place in places.items() for word in (f"--{key}", str(folder / place))]
    return ["train", str(experiment), *options, "--device", "cpu", *words]


def voxgate(capsys, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["voxgate", *words])
        main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def checkpoint(run: Path) -> dict:
    return torch.load(run / "checkpoint.pt", weights_only=True)


def weights(run: Path) -> np.ndarray:
    stored = checkpoint(run)
    parts = [stored[name] for name in ("model", "loss", "average")]
    return torch.cat([p.flatten().double() for part in parts for p in part.values()]).numpy()


def log(run: Path) -> list[dict]:
    return RunFolder(run).lines()


def wait_for_a_checkpoint(run: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 100
    while not (run / "log.jsonl").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
