"""From recordings to a pack that the Verifier uses: the whole way, with a network that is tiny."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus import EXPERIMENT, write_corpus, write_noise
from voices import speak

from voxgate.errors import TrainingError
from voxgate.packs import load_pack
from voxgate.train.export import check_parity
from voxgate.train.loop import train
from voxgate.train.pack import make_pack
from voxgate.verify import Verifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("train")
    write_corpus(base / "data", range(12))
    write_noise(base / "noise")
    return base


def run(folder: Path, name: str, steps: int):
    experiment = folder / f"{name}.toml"
    experiment.write_text(EXPERIMENT.format(steps=steps))
    return train(experiment, folder / "data", folder / "noise", folder / "cache", folder / name)


def weights(state) -> np.ndarray:
    return torch.cat([p.flatten() for p in state.model.state_dict().values()]).numpy()


def test_a_trained_model_becomes_a_pack_that_the_verifier_uses(folder):
    run(folder, "whole", steps=6)
    found = make_pack(
        folder / "whole", folder / "data", folder / "cache", folder / "data", folder / "pack"
    )
    assert found["parity"] > 0.9999
    pack = load_pack(folder / "pack")
    assert pack.id == "small@1"
    assert set(pack.metrics) == {"made", "pooled"}
    assert 0 < pack.metrics["made"]["eer"] <= 60
    decision = Verifier("memory:", pack=pack).compare(speak(1, 4), speak(1, 4))
    assert decision.cosine == pytest.approx(1, abs=1e-4)
    assert b"/tests/" not in (folder / "pack" / "model.onnx").read_bytes()  # nobody's paths in it


def test_a_run_that_goes_on_after_a_stop_ends_with_the_same_weights(folder):
    straight = weights(run(folder, "straight", steps=4))
    stopped = folder / "stopped.toml"
    stopped.write_text(EXPERIMENT.format(steps=4))
    code = (
        "import os, signal, sys; from pathlib import Path; import voxgate.train.loop as loop\n"
        "step = loop._step\n"
        "def dying(experiment, state, batch):\n"
        "    if state.step == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return step(experiment, state, batch)\n"
        "loop._step = dying\n"
        "loop.train(*map(Path, sys.argv[1:]))\n"
    )
    places = [stopped, folder / "data", folder / "noise", folder / "cache", folder / "stopped"]
    died = subprocess.run([sys.executable, "-c", code, *map(str, places)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert torch.load(folder / "stopped" / "checkpoint.pt", weights_only=True)["step"] == 2
    assert np.abs(weights(run(folder, "stopped", steps=4)) - straight).max() < 1e-6
    lines = (folder / "stopped" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]


def test_a_network_that_was_changed_after_export_fails_the_parity_check(folder):
    state = run(folder, "whole", steps=6)  # finished: only loaded
    waveforms = [speak(3, 1.0)]
    path = folder / "pack" / "model.onnx"
    assert check_parity(state.average, path, waveforms) > 0.9999
    with torch.no_grad():
        state.average.network.embed[1].weight.add_(0.05)
    with pytest.raises(TrainingError, match="does not give the trained model's embeddings"):
        check_parity(state.average, path, waveforms)


def test_a_cache_of_other_recordings_is_not_taken_for_these(folder, tmp_path):
    write_corpus(tmp_path, range(2), recordings=1)
    experiment = folder / "other.toml"
    experiment.write_text(EXPERIMENT.format(steps=2))
    with pytest.raises(TrainingError, match="caches other recordings"):
        train(experiment, tmp_path, folder / "noise", folder / "cache", folder / "other")
