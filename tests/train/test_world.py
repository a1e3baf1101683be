"""Two processes started by torchrun: they learn as one, and stop as one."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from runs import checkpoint, command, log, voxgate, wait_for_a_checkpoint, weights


def two_processes(*words: str) -> subprocess.Popen:
    """Started by torchrun."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"]
    return subprocess.Popen(
        [sys.executable, *launch, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_two_processes_learn_as_one_does(folder, capsys):
    # Without batch norm to see only half of a batch: its statistics are held still from the start.
    settings = ["--set", "fine_tune.steps=4", "--set", "precision=float32"]
    words = command(folder, "alone", *settings)
    assert voxgate(capsys, *words)[0] == 0
    process = two_processes("-m", "voxgate", *command(folder, "together", *settings))
    _, err = process.communicate()
    assert process.returncode == 0, err
    one, two = log(folder / "alone"), log(folder / "together")
    assert [line["step"] for line in two] == [2, 4]
    assert json.loads((folder / "together" / "facts.json").read_text())["processes"] == 2
    both = weights(folder / "alone"), weights(folder / "together")
    assert np.abs(both[0] - both[1]).max() < 2e-3
    assert [line["held_out_eer"] for line in two] == [line["held_out_eer"] for line in one]
    losses = [[line["loss"] for line in lines] for lines in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_ctrl_c_stops_all_processes_at_the_same_step(folder, tmp_path):
    script = tmp_path / "told.py"
    script.write_text(
        "import contextlib, os, pathlib, signal, voxgate.train.loop as loop\n"
        "if os.environ['RANK'] == '0':  # hears nothing of it but from the other\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    loop._finishing_the_step = lambda: contextlib.nullcontext([])\n"
        "go = loop._Loop.go\n"
        "def told(self, made):\n"
        "    try: go(self, made)\n"
        "    finally:\n"
        "        file = pathlib.Path(__file__).parent / f'process {self.world.rank}'\n"
        "        file.write_text(str(self.state.step))\n"
        "loop._Loop.go = told\n"
        "if __name__ == '__main__':\n"
        "    from voxgate.cli import main; main()\n"
    )
    run = folder / "both stopped"
    process = two_processes(str(script), *command(folder, run.name, steps=100_000))
    wait_for_a_checkpoint(run, process)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode != 0
    step = checkpoint(run)["step"]
    assert log(run)[-1]["step"] == step
    stopped = {path.name: int(path.read_text()) for path in tmp_path.glob("process *")}
    assert stopped == {"process 0": step, "process 1": step}
