import numpy as np
import onnxruntime
import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.carried import Carried, speaker_space
from voxgate.train.config import build_experiment
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.model import SpeakerModel
from voxgate.train.resemblyzer import DIM, Resemblyzer, published

RATE = 16_000


@pytest.fixture
def network() -> Resemblyzer:
    """One with random weights, the same each time."""
    torch.manual_seed(1)
    return Resemblyzer().eval()


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize(("seconds", "windows"), [(0.4, 1), (1.59, 1), (1.6, 2), (3.1, 2), (6, 4)])
def test_windows_of_a_waveform_are_as_many_as_cover_it(network, seconds, windows):
    found = network.windows(torch.from_numpy(sound(seconds))[None])
    assert found.shape == (1, windows, 40, 160)


def test_the_first_window_begins_with_the_waveform_and_the_last_ends_with_it(network):
    waveform = torch.from_numpy(sound(4.0))[None]
    windows = network.windows(waveform)[0]
    whole = torch.nn.functional.conv1d(network.spectra(waveform), network.filters)[0]
    assert torch.equal(windows[0], whole[:, :160])
    assert torch.equal(windows[-1], whole[:, -160:])


def test_there_can_be_a_most_of_windows_which_is_evenly_spread(network):
    waveform = torch.from_numpy(sound(6.0))[None]
    whole = network.windows(waveform)[0]
    network.most = 2
    assert torch.equal(network.windows(waveform)[0], whole[[0, -1]])
    assert network.windows(waveform[:, :RATE]).shape[1] == 1
    network.most = 1
    assert torch.equal(network.windows(waveform)[0], whole[[0]])


def test_a_short_waveform_is_followed_by_silence(network):
    window = network.windows(torch.from_numpy(sound(0.5))[None])[0, 0]
    assert window[:, :50].amin() > 0
    assert not window[:, 60:].any()


def test_quiet_waveforms_are_brought_up_and_loud_ones_left(network):
    loud = torch.from_numpy(sound(1.0))[None]  # -20 dBFS
    assert torch.allclose(network.windows(loud / 10), network.windows(loud / 100), rtol=1e-3)
    assert network.windows(loud).mean() > 5 * network.windows(loud / 10).mean()


def test_the_embedding_is_the_mean_of_its_windows(network):
    waveform = torch.from_numpy(sound(3.0))[None]
    with torch.no_grad():
        each = network.embed_windows(network.windows(waveform)[0])
        whole = network(waveform)[0]
    assert len(each) == 2
    assert torch.allclose(whole, torch.nn.functional.normalize(each.mean(dim=0), dim=0), atol=1e-6)


def test_a_speaker_space_shortens_what_varies_within_a_speaker():
    """Two speakers differ along the first number, each varies ten times as much in the second."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.01, (400, 4))
    speaker = np.arange(400) % 2
    points[:, 0] += 0.1 * speaker
    points[:, 1] += rng.normal(0, 1, 400)
    centre, axes = speaker_space(points.astype(np.float32), speaker, 2)
    assert centre == pytest.approx(points.mean(axis=0), abs=1e-6)

    of_the_speakers, of_each = np.linalg.norm(axes[:2], axis=1)
    assert of_the_speakers > 1.3 * of_each


def test_a_part_cannot_have_more_numbers_than_its_network():
    with pytest.raises(TrainingError, match=r"A part of 5 numbers cannot be made of .* gives 4"):
        speaker_space(np.zeros((3, 4), np.float32), np.arange(3), 5)


@pytest.fixture
def carrying(network) -> SpeakerModel:
    """Tiny trained parts of 16 and 8 numbers beside 8 of another network."""
    table = {
        "name": "tiny", "steps": 1, "front_end": {"kind": "mel", "bands": 24},
        "model": {"kind": "ecapa", "channels": 16, "aggregate": 32, "dim": 24},
        "teacher": {"pack": "some", "dim": 8}, "carried": {"dim": 8},
    }  # fmt: skip
    model = SpeakerModel(build_experiment(table, "test"))
    rng = np.random.default_rng(0)
    model.carry(Carried(network, rng.normal(0, 0.01, DIM), rng.normal(0, 1, (DIM, 8))), 8)
    model.weigh([0.5, 0.3, 0.2])
    return model.eval()


def test_the_parts_stand_side_by_side_and_each_has_its_share(carrying):
    waveform = torch.from_numpy(sound(2.5))[None]
    with torch.no_grad():
        raw, embedding = carrying.raw(waveform)[0], carrying(waveform)[0]
        trained = carrying.network(carrying.front_end(waveform))[0]
        carried = carrying.carried[0](waveform)[0]
    assert torch.equal(raw, torch.cat([trained, carried]))
    parts, shares = embedding.split([16, 8, 8]), [0.5, 0.3, 0.2]
    assert [part.norm().item() ** 2 for part in parts] == pytest.approx(shares, abs=1e-5)


def test_a_part_without_a_share_is_left_out(carrying):
    waveform = torch.from_numpy(sound(2.5))[None]
    assert carrying.dim == 32
    carrying.weigh([0.4, 0.0, 0.6])
    with torch.no_grad():
        embedding = carrying(waveform)[0]
    assert carrying.dim == len(embedding) == 24
    parts = [part.norm().item() ** 2 for part in embedding.split([16, 8])]
    assert parts == pytest.approx([0.4, 0.6], abs=1e-5)


def test_a_pack_with_a_carried_network_takes_speech_of_any_length(carrying, tmp_path):
    export_onnx(carrying, tmp_path / "model.onnx")
    lengths = (0.4, 1.0, 1.59, 1.6, 1.61, 3.2, 3.3, 6.0)
    check_parity(carrying, tmp_path / "model.onnx", [sound(s) for s in lengths])
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    batch = np.stack([sound(2.0, 1), sound(2.0, 2)])
    (together,) = session.run(None, {"waveform": batch})
    for row, waveform in zip(together, batch, strict=True):
        (alone,) = session.run(None, {"waveform": waveform[None]})
        assert row == pytest.approx(alone[0], abs=1e-5)


def test_the_published_network_gives_its_own_embeddings():
    resemblyzer = pytest.importorskip("resemblyzer")
    speech = sound(1.6)[:-1]
    mel = resemblyzer.wav_to_mel_spectrogram(speech)
    with torch.no_grad():
        theirs = resemblyzer.VoiceEncoder("cpu", verbose=False)(torch.from_numpy(mel)[None])
        ours = published()(torch.from_numpy(speech)[None])
    assert (ours @ theirs.T).item() == pytest.approx(1, abs=1e-6)
