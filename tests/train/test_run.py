"""From recordings to a pack that the Verifier uses: the whole way, with a network that is tiny."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_pack
import torch
from corpus import write_corpus
from runs import checkpoint, command, log, voxgate, wait_for_a_checkpoint, weights
from voices import speak

from voxgate.embed import Embedder
from voxgate.errors import TrainingError
from voxgate.packs import load_pack
from voxgate.train import carried
from voxgate.train import pack as packing
from voxgate.train.cache import Corpus
from voxgate.train.config import build_experiment
from voxgate.train.export import check_parity
from voxgate.train.model import SpeakerModel
from voxgate.train.pack import trained_model
from voxgate.train.resemblyzer import Resemblyzer
from voxgate.train.run_folder import RunFolder
from voxgate.verify import Verifier

GRU = Path(__file__).parents[2] / "recipes" / "siamese-gru" / "experiment.toml"


@pytest.fixture(scope="module")
def whole(folder):
    """A run that was never stopped, with figures on trials; its folder."""
    words = command(folder, "whole", "--dev", str(folder / "dev"), "--json", steps=6)
    done = subprocess.run(
        [sys.executable, "-m", "voxgate", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (0, 3), done.stderr  # a line a checkpoint
    assert json.loads(done.stdout)["folder"] == str(folder / "whole" / "pack")
    return folder / "whole"


def test_a_trained_model_becomes_a_pack_that_the_verifier_uses(whole):
    pack = load_pack(whole / "pack")
    assert pack.label.startswith("small@1")
    assert set(pack.metrics) == {"made", "pooled"}
    assert 0 < pack.metrics["made"]["eer"] <= 60
    decision = Verifier("memory:", pack=pack).compare(speak(1, 4), speak(1, 4))
    assert decision.cosine == pytest.approx(1, abs=1e-4)
    assert b"/tests/" not in (whole / "pack" / "model.onnx").read_bytes()  # nobody's paths in it


def test_the_run_folder_says_what_was_run_on_what_and_how_it_went(whole):
    facts = json.loads((whole / "facts.json").read_text())
    assert (facts["seed"], facts["steps"], facts["processes"]) == (1, 6, 1)
    assert facts["speakers"] + facts["held_out_speakers"] == 12
    assert facts["torch"] == torch.__version__
    assert 0 < facts["training_s"] < 1000
    assert 0 <= facts["waiting_share"] <= 1
    assert len(facts["data_sha256"]) == 64
    assert [line["step"] for line in log(whole)] == [2, 4, 6]
    assert 0 <= log(whole)[-1]["held_out_eer"]["made"] <= 100
    assert (whole / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((whole / "tensorboard").rglob("events.*"))
    assert RunFolder(whole).experiment().name == "small"


def test_a_run_killed_at_any_moment_goes_on_to_the_very_same_weights(folder, whole, capsys):
    code = (
        "import os, signal, sys; import voxgate.train.loop as loop\n"
        "step = loop._Loop._step\n"
        "def dying(self, objective, batch):\n"
        "    if self.state.step == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return step(self, objective, batch)\n"
        "loop._Loop._step = dying\n"
        "from voxgate.cli import main; main()\n"
    )
    words = command(folder, "killed", steps=6)
    died = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    assert checkpoint(folder / "killed")["step"] == 2
    assert not (folder / "killed" / "pack").exists()
    assert voxgate(capsys, *words)[0] == 2  # not without being told to
    assert voxgate(capsys, *words, "--resume")[0] == 0
    assert (weights(folder / "killed") == weights(whole)).all()
    assert [line["step"] for line in log(folder / "killed")] == [2, 4, 6]
    assert [line["loss"] for line in log(folder / "killed")] == [
        line["loss"] for line in log(whole)
    ]


def test_ctrl_c_saves_the_step_it_comes_in(folder, capsys):
    words = command(folder, "interrupted", steps=100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "voxgate", *words],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    run = folder / "interrupted"
    wait_for_a_checkpoint(run, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert log(run)[-1]["step"] == checkpoint(run)["step"]


def test_an_array_of_utterances_is_trained_on_as_it_is_said_to_be(folder, capsys, tmp_path):
    rows = np.stack([speak(voice, 1.2, take)[:16_000:2] for voice in range(8) for take in range(4)])
    with (tmp_path / "corpus.pkl").open("wb") as file:
        pickle.dump(rows.astype(np.float32), file)
    places = {"data": "corpus.pkl", "cache": "cache", "out": "run"}
    words = ["train", str(GRU), "--noise", str(folder / "noise"), "--device", "cpu"]
    words += [word for key, name in places.items() for word in (f"--{key}", str(tmp_path / name))]
    for setting in ("data={hold_out=0.5}", "steps=4", "checkpoint_every=2", "sampling.batch_s=16"):
        words += ["--set", setting]
    code, _, err = voxgate(capsys, *words, "--rate", "8000", "--rows-per-speaker", "4")
    assert code == 0, err
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert (facts["speakers"], facts["held_out_speakers"]) == (4, 4)
    assert load_pack(tmp_path / "run" / "pack").label.startswith("siamese-gru@1")
    speech_s = (tmp_path / "cache" / "speech" / "speech.i16").stat().st_size / 2 / 16_000
    assert speech_s == pytest.approx(32, rel=0.3)  # at 16 kHz it would be half of it
    code, _, err = voxgate(capsys, *words, "--resume", "--rows-per-speaker", "4")
    assert code == 2  # at 16 kHz it is another sound
    assert "caches other recordings" in err
    code, _, err = voxgate(capsys, *words, "--resume")
    assert code == 2
    assert "holds 32 utterances, which are not 10 a speaker" in err
    assert "--rows-per-speaker" in err


@pytest.mark.parametrize("loss", ["ge2e", "prototypical", "pairs", "softmax"])
def test_a_network_is_trained_with_another_loss_than_its_recipe_s(folder, capsys, loss):
    settings = ("sampling.per_speaker=2", "sampling.speed_is_speaker=false")
    words = [word for setting in settings for word in ("--set", setting)]
    words = command(folder, loss, "--set", f"loss.kind={loss}", *words)
    code, _, err = voxgate(capsys, *words)
    assert code == 0, err
    first, last = log(folder / loss)
    assert np.isfinite([first["loss"], last["loss"]]).all()
    assert load_pack(folder / loss / "pack").dim == 16


def test_a_pack_has_a_trained_a_taught_and_a_carried_part(folder, capsys, tmp_path, monkeypatch):
    teacher = tiny_pack.write(tmp_path / "teacher")
    monkeypatch.setattr(carried, "published", lambda most: Resemblyzer(most).eval())
    values = (
        f"teacher.pack={teacher}", "teacher.dim=4", "carried.dim=6", "carried.windows=2",
        "pack.precision=int8",
    )  # fmt: skip
    said = [word for value in values for word in ("--set", value)]
    code, _, err = voxgate(capsys, *command(folder, "three-parts", *said, steps=2))
    assert code == 0, err
    assert log(folder / "three-parts")[-1]["teacher"] > 0
    trained = trained_model(RunFolder(folder / "three-parts"))
    pack = load_pack(folder / "three-parts" / "pack")
    assert trained.sizes == [12, 4]
    assert pack.dim == 12 + 4 + 6  # too few held-out speakers to choose shares by: all equal
    parts = np.split(Embedder(pack).embed_waveform(speak(1, 2)), [12, 16])
    shares = [np.linalg.norm(part) ** 2 for part in parts]
    assert shares == pytest.approx([1 / 3] * 3, abs=1e-4)


def test_shares_are_those_that_tell_held_out_speakers_apart_best(monkeypatch):
    """The second part alone knows the twelve speakers; the first is the same for all but noise."""
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(12), 3)
    known = rng.normal(size=(12, 4))[speaker] + rng.normal(0, 0.1, (36, 4))
    raw = np.concatenate([rng.normal(size=(36, 4)), known], axis=1).astype(np.float32)
    monkeypatch.setattr(packing, "embed_all", lambda embed, corpus, recordings: raw)
    zeros = np.zeros(36, np.int64)
    corpus = Corpus(zeros, zeros, speaker, zeros, zeros, list("abcdefghijkl"), ["set"], ["r"] * 36)
    table = {
        "name": "tiny", "steps": 1, "model": {"kind": "ecapa", "channels": 16, "dim": 8},
        "teacher": {"pack": "some", "dim": 4},
    }  # fmt: skip
    model = SpeakerModel(build_experiment(table, "test"))
    tried = packing.choose_shares(model, corpus, np.arange(36))
    assert len(tried) == 11
    assert tried == sorted(tried)
    assert model.shares.tolist() == pytest.approx(tried[0][1])
    assert tried[0][1][0] < 0.5
    assert (tried[-1][1], tried[-1][0] > 10) == ((1.0, 0.0), True)


def test_a_network_that_was_changed_after_export_fails_the_parity_check(whole):
    model = trained_model(RunFolder(whole))
    waveforms = [speak(3, 1.0)]
    path = whole / "pack" / "model.onnx"
    assert check_parity(model, path, waveforms) > 0.9999
    with torch.no_grad():
        model.network.embed[1].weight.add_(0.05)
    with pytest.raises(TrainingError, match="does not give the trained model's embeddings"):
        check_parity(model, path, waveforms)


def test_the_pack_of_a_finished_run_can_be_made_again(folder, whole, capsys):
    before = (whole / "pack" / "pack.toml").read_text()
    code, _, _ = voxgate(capsys, *command(folder, "whole", "--pack-only", steps=6))
    assert code == 0
    after = (whole / "pack" / "pack.toml").read_text()
    assert after == before.partition("[metrics")[0] + "[metrics]\n"  # no --dev this time


def test_another_pack_can_be_made_of_a_run_but_not_with_another_training(folder, whole, capsys):
    words = ("--pack-only", "--set", "name=smaller", "--set", "pack.precision=int8")
    code, _, err = voxgate(capsys, *command(folder, "whole", *words, steps=6))
    assert code == 0, err
    pack, first = load_pack(whole / "pack-smaller"), load_pack(whole / "pack")
    assert (pack.name, first.name) == ("smaller", "small")
    vectors = [Embedder(each).embed_waveform(speak(1, 2)) for each in (pack, first)]
    assert 0.98 < vectors[0] @ vectors[1] < 1

    words = ("--pack-only", "--set", "loss.margin=0.3")
    code, _, err = voxgate(capsys, *command(folder, "whole", *words, steps=6))
    assert code == 2
    assert "loss.margin=0.3 would change the training, which is over" in err


def test_a_standardised_embedding_has_mean_0_and_deviation_1_before_its_length_is_1(folder, capsys):
    words = command(folder, "scaled", "--set", "standardise=true")
    assert voxgate(capsys, *words)[0] == 0
    average = checkpoint(folder / "scaled")["average"]
    assert not torch.allclose(average["std"], torch.ones(16))
    pack = load_pack(folder / "scaled" / "pack")
    assert pack.dim == 16


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "steps=4", "--resume", "--set", "seed=2"], "another experiment than this one"),
        ([], "go on with it with --resume, or choose another --out"),
        (["--pack-only", "--resume"], "--pack-only goes by what was run"),
        (["--device", "gpu"], "There is no device 'gpu'; choose auto, cpu, cuda"),
        (["--set", "seed"], "'seed' must be of the form table.key=value"),
        (["--set", "precision=half"], "precision is 'half'; choose bf16 or float32"),
        (["--set", "optimiser.schedule=steps"], "schedule is 'steps'; choose one_cycle"),
        (["--set", "fine_tune.steps=9"], "it must be from 0 to the 6 steps of the run"),
        (["--set", "data.datasets=['x']"], "There is no dataset 'x' in the corpus; it has made"),
        (["--noise", "nowhere"], "nowhere"),
        (["--dev", "DATA"], "The split leaks: speaker made/0 in train and dev"),
        (["--format", "zip"], "There is no format 'zip'; known are manifest"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(whole, capsys, tmp_path, words, message):
    name = "whole" if "experiment" in message or "--" in message else tmp_path.name
    words = [word.replace("DATA", str(whole.parent / "data")) for word in words]
    code, out, err = voxgate(capsys, *command(whole.parent, name, *words, steps=6))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_loss_that_is_no_number_stops_the_run(folder, capsys):
    words = command(folder, "diverged", "--set", "loss.scale=1e39", "--set", "precision=float32")
    code, _, err = voxgate(capsys, *words)
    assert code == 2
    assert "The loss is" in err
    assert "lower the learning rate" in err


def test_a_damaged_checkpoint_is_said(folder, capsys):
    assert voxgate(capsys, *command(folder, "damaged"))[0] == 0
    path = folder / "damaged" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:1000])
    code, _, err = voxgate(capsys, *command(folder, "damaged", "--resume"))
    assert code == 2
    assert "is damaged, or of another experiment" in err


def test_a_cache_of_other_recordings_is_not_taken_for_these(folder, whole, tmp_path, capsys):
    write_corpus(tmp_path, range(2), recordings=1)
    words = command(folder, "other", "--data", str(tmp_path))
    code, _, err = voxgate(capsys, *words)
    assert code == 2
    assert "caches other recordings" in err
