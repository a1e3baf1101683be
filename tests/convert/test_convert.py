from importlib.util import find_spec

import feature_model
import numpy as np
import pytest
import torch
from seeded import features, weights_of
from voices import speak

from voxgate import convert as converter
from voxgate.convert import ARCHITECTURES, convert, recipe_of, resemblyzer_weights
from voxgate.convert.resemblyzer import GE2E
from voxgate.convert.resnet_wespeaker import Basic, ResNet, Sizes
from voxgate.embed import Embedder
from voxgate.errors import CheckpointError, UsageError
from voxgate.frontends import make_front_end
from voxgate.frontends.presets import PRESETS
from voxgate.hub import entries
from voxgate.install import ModelFacts

FACTS = ModelFacts("a test")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_has_a_recipe_with_a_front_end(arch):
    assert recipe_of(arch).like in PRESETS


def test_the_hub_names_architectures_that_there_are():
    assert {entry.arch for entry in entries().values() if entry.arch} <= set(ARCHITECTURES)


def test_an_architecture_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--arch vgg is not known; known are ecapa-speechbrain"):
        convert(tmp_path / "x.pt", arch="vgg", name="x", facts=FACTS)


def test_a_checkpoint_becomes_a_pack_that_embeds_like_the_network(tmp_path):
    network = ResNet(Sizes(Basic, (1, 1, 1, 1), 4, 2 * 10 * 32, 24, two_layers=False)).eval()
    weights = weights_of(network)
    network.load_state_dict(weights)
    torch.save({**weights, "projection.weight": torch.ones(3)}, tmp_path / "avg_model.pt")
    pack = convert(tmp_path / "avg_model.pt", arch="resnet-wespeaker", name="mine", facts=FACTS)
    assert (pack.name, pack.dim, pack.front_end.window) == ("mine", 24, "hamming")
    speech = speak(1, 1.3)
    seen = make_front_end(PRESETS["wespeaker"].front_end).features(speech)
    with torch.no_grad():
        expected = network(torch.from_numpy(seen[None]))[0].numpy()
    found = Embedder(pack).embed_waveform(speech)
    assert found @ expected / np.linalg.norm(expected) >= 0.99999


def test_the_version_is_that_of_the_weights_whatever_the_exporter_writes(tmp_path, monkeypatch):
    torch.save({"model_state": weights_of(GE2E(40, 8, 12))}, tmp_path / "x.pt")
    versions = []
    for day in ("one", "another"):
        names = {"name_in": "features", "name_out": "embedding", "metadata": {"day": day}}
        model = feature_model.build(40, **names)
        monkeypatch.setattr("voxgate.convert.export.export_network", lambda *a, m=model, **k: m)
        pack = convert(tmp_path / "x.pt", arch="resemblyzer", name="x", facts=FACTS)
        versions.append((pack.version, pack.sha256["model.onnx"]))
    (one, first), (other, second) = versions
    assert one == other
    assert first != second


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "x.pt")
    for arch in ARCHITECTURES:
        with pytest.raises(CheckpointError):
            convert(tmp_path / "x.pt", arch=arch, name="x", facts=FACTS)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(converter, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match=r"pip install --no-deps resemblyzer==0\.1\.4"):
        resemblyzer_weights()


@pytest.mark.skipif(find_spec("resemblyzer") is None, reason="needs the package resemblyzer")
def test_resemblyzers_weights_become_a_pack():
    pack = convert(resemblyzer_weights(), arch="resemblyzer", name="resemblyzer", facts=FACTS)
    vector = Embedder(pack).embed_waveform(speak(1, 2.0))
    assert vector.shape == (256,)
    assert vector.min() >= 0
    assert features(1, 1).shape == (1, 1, 1)
