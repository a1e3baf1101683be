import errno
from dataclasses import replace

import numpy as np
import pytest
import torch
from corpus import EXPERIMENT

from voxgate.errors import OutputError, TrainingError
from voxgate.train.config import read_experiment
from voxgate.train.loop import _Loop
from voxgate.train.run_folder import RunFolder
from voxgate.train.state import Objective, move_average, start
from voxgate.train.world import World

CPU = torch.device("cpu")


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "small.toml"
    text = "fine_tune.steps = 4\noptimiser.learning_rate = 0.01\n"
    path.write_text(f"{text}{EXPERIMENT.format(steps=10)}\n[loss]\nfine_tune_margin = 0.5\n")
    return read_experiment(path)


def test_a_full_disk_leaves_the_checkpoint_before(experiment, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    state = start(experiment, 3, CPU)
    state.step = 2
    state.save(path)

    def full(states, file):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"cannot be written: no space left on device"):
        state.save(path)
    monkeypatch.undo()
    again = start(experiment, 3, CPU)
    again.load(path)
    assert again.step == 2
    assert [p.name for p in tmp_path.glob("checkpoint*")] == ["checkpoint.pt"]


def test_a_checkpoint_of_another_number_of_speakers_is_refused(experiment, tmp_path):
    path = tmp_path / "checkpoint.pt"
    start(experiment, 3, CPU).save(path)
    with pytest.raises(TrainingError, match="of another experiment"):
        start(experiment, 4, CPU).load(path)


def test_the_same_seed_starts_with_the_same_weights(experiment):
    one, other = start(experiment, 3, CPU), start(experiment, 3, CPU)
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_average_moves_by_what_the_decay_leaves_and_counters_are_copied(experiment):
    state = start(experiment, 3, CPU)
    before = {name: value.clone() for name, value in state.average.state_dict().items()}
    for value in state.model.state_dict().values():
        value.add_(1)
    move_average(state.average, state.model, 0.75)
    for name, value in state.average.state_dict().items():
        grown = 0.25 if value.dtype.is_floating_point else 1
        assert torch.allclose(value.double(), before[name].double() + grown), name


@pytest.mark.parametrize("masks", [0.0, 1.0])
def test_the_network_learns_from_masked_features_where_that_is_asked_for(experiment, masks):
    experiment = replace(experiment, augment=replace(experiment.augment, masks=masks))
    state, seen = start(experiment, 3, CPU), []
    state.model.network.register_forward_pre_hook(lambda module, given: seen.extend(given))
    waveforms = torch.randn(2, 16_000)
    Objective(experiment, state)(waveforms, torch.tensor([0, 1]), torch.zeros(2, 0))
    assert torch.equal(seen[0], state.model.front_end(waveforms)) == (masks == 0)
    state.model(waveforms)
    assert torch.equal(seen[1], state.model.front_end(waveforms))  # but judges by all of them


def test_the_last_phase_starts_from_the_average_with_batch_norm_still(experiment, tmp_path):
    state = start(experiment, 3, CPU)
    loop = _Loop(experiment, state, World(CPU), RunFolder(tmp_path), lambda p: None, dict)
    state.step = 5
    loop._prepare()
    norms = [m for m in state.model.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert norms
    assert all(norm.training for norm in norms)
    for value in state.average.parameters():
        value.data.add_(1)
    state.step = 6
    loop._prepare()
    assert not any(norm.training for norm in norms)
    for a, b in zip(state.model.parameters(), state.average.parameters(), strict=True):
        assert torch.equal(a, b)
    assert state.loss.margin == 0.5
    assert state.optimiser.param_groups[0]["lr"] == pytest.approx(3e-4)
    state.step = 9
    loop._prepare()
    assert state.optimiser.param_groups[0]["lr"] == pytest.approx(3e-4 / 4)


def test_a_run_killed_while_judging_has_its_line_in_the_log(experiment, tmp_path):
    def killed():
        raise KeyboardInterrupt

    run = RunFolder(tmp_path)
    state = start(experiment, 3, CPU)
    state.step = 2
    loop = _Loop(experiment, state, World(CPU), run, lambda p: None, killed)
    with pytest.raises(KeyboardInterrupt):
        loop._checkpoint(np.array([1.5, 0.0, 0.25]), None)
    assert run.checkpoint.is_file()
    assert [(line["step"], line["loss"], line["held_out_eer"]) for line in run.lines()] == [
        (2, 1.5, {})
    ]
