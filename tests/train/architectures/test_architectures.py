"""What every network must do, with small ones of each kind."""

import numpy as np
import onnxruntime
import pytest
import torch

from voxgate.train.architectures import ARCHITECTURES
from voxgate.train.config import Choice, Experiment
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.frontends import FRONT_ENDS
from voxgate.train.losses import LOSSES
from voxgate.train.model import SpeakerModel
from voxgate.train.state import Objective, start

SMALL = {  # architecture (and variant) -> front end, its config, the network's config
    "ecapa": ("mel", {}, {"channels": 16, "aggregate": 24, "attention": 8, "scale": 4}),
    "redimnet": (
        "mel",
        {"bands": 12},
        {"channels": 4, "stages": ((2, 1, 2, 12),), "block": "convnext"},
    ),
    "redimnet residual": (
        "mel",
        {"bands": 12},
        {"channels": 4, "stages": ((1, 1, 1, 0), (2, 1, 2, 6)), "group": 2},
    ),
    "cnn_lstm": ("mfcc", {}, {"channels": (6, 8), "hidden": 6}),
    "spectrogram_cnn": ("picture", {"bands": 20}, {"channels": (3, 4, 4)}),
    "vgg16": ("picture", {}, {"width": 4, "side": 32}),
    "resnet34": ("mel", {"bands": 20}, {"channels": 4, "blocks": (1, 2, 1, 1)}),
    "twin_gru": ("stft", {"window": 256, "shift": 128}, {}),
    "twin_gru unshared": ("stft", {"window": 256, "shift": 128}, {"shared": False}),
    "twin_lstm": ("mel", {}, {"hidden": 12, "pooling": "last"}),
}
DIM = 8
EXPORTED_ELSEWHERE = ("ecapa", "redimnet residual")  # in test_run; and nothing new in its graph


def experiment(name: str, loss: str = "aam") -> Experiment:
    kind = name.split(maxsplit=1)[0]
    front_end, front_end_config, config = SMALL[name]
    return Experiment(
        name=kind,
        steps=1,
        front_end=Choice(front_end, FRONT_ENDS[front_end][0](**front_end_config)),
        model=Choice(kind, ARCHITECTURES[kind][0](dim=DIM, **config)),
        loss=Choice(loss, LOSSES[loss][0]()),
    )


def small(name: str) -> SpeakerModel:
    torch.manual_seed(1)
    return SpeakerModel(experiment(name))


def noise(rows: int, samples: int) -> np.ndarray:
    return np.random.default_rng(samples).normal(0, 0.1, (rows, samples)).astype(np.float32)


def test_no_network_is_left_out_here():
    assert {name.split()[0] for name in SMALL} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", SMALL)
def test_embeddings_are_unit_vectors_whatever_the_length(name):
    model = small(name).eval()
    for samples in (6_400, 20_000):
        embeddings = model(torch.from_numpy(noise(3, samples)))
        assert embeddings.shape == (3, DIM)
        assert torch.allclose(embeddings.norm(dim=1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_is_trained_also_in_bfloat16(name):
    model = small(name).train()
    features = model.front_end(torch.from_numpy(noise(4, 12_000)))
    with torch.autocast("cpu", torch.bfloat16):
        own, _ = model.own_and_taught(features)
    (own.float() * torch.randn(own.shape)).sum().backward()
    without = [
        key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert without == []


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", SMALL)
def test_every_network_learns_by_every_loss(name, loss):
    state = start(experiment(name, loss), 3, torch.device("cpu"))
    objective = Objective(experiment(name, loss), state).train()
    state.loss.at(1.0, fine_tuning=False)
    batch = torch.from_numpy(noise(6, 8_000)), torch.arange(6) // 2, torch.zeros(6, 0)
    before = {key: value.clone() for key, value in objective.named_parameters()}
    losses = []
    for _ in range(3):
        total, figures = objective(*batch)
        losses.append(total.item())
        assert 0 <= figures[2] <= 1
        state.optimiser.zero_grad()
        total.backward()
        state.optimiser.step()
    assert losses[-1] < losses[0]
    after = dict(objective.named_parameters())
    assert all(torch.isfinite(value).all() for value in after.values())
    assert any((after[key] != value).any() for key, value in before.items() if "network" in key)


@pytest.mark.parametrize("name", [name for name in SMALL if name not in EXPORTED_ELSEWHERE])
def test_the_exported_graph_gives_the_same_for_any_batch_and_length(name, tmp_path):
    model, path = small(name), tmp_path / "model.onnx"
    export_onnx(model, path)
    waveforms = [noise(1, samples)[0] for samples in (6_400, 16_000, 31_234)]
    assert check_parity(model, path, waveforms) > 0.9999
    session = onnxruntime.InferenceSession(path)
    both = noise(2, 9_000)
    (exported,) = session.run(["embedding"], {"waveform": both})
    with torch.no_grad():
        assert np.abs(exported - model(torch.from_numpy(both)).numpy()).max() < 2e-3
