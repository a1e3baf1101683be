import hashlib

import feature_model
import pytest
from voices import speak

from voxgate import install
from voxgate.embed import Embedder
from voxgate.errors import (
    PackError,
    PackNotFoundError,
    PackTamperedError,
    UncalibratedPackError,
    UsageError,
)
from voxgate.install import ModelFacts, add_model, try_pack
from voxgate.packs import installed, load_pack, packs_folder
from voxgate.verify import Verifier

FACTS = ModelFacts("a test", "MIT", ("made up",), "https://example.org", "Nobody, 2026", {"x": 1.5})
SHERPA_WESPEAKER = {
    "framework": "wespeaker", "language": "English", "sample_rate": "16000", "output_dim": "12",
    "normalize_samples": "0",
}  # fmt: skip
SHERPA_3DSPEAKER = {
    **SHERPA_WESPEAKER, "framework": "3d-speaker", "normalize_samples": "1",
    "feature_normalize_type": "global-mean",
}  # fmt: skip
SHERPA_NEMO = {
    "framework": "nemo", "sample_rate": "16000", "output_dim": "12", "feat_dim": "80",
    "feature_normalize_type": "per_feature", "window_size_ms": "25", "window_stride_ms": "10",
    "window_type": "hann",
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(**options):
        path = tmp_path / "model.onnx"
        path.write_bytes(feature_model.build(**options))
        return path

    return write


def add(path, like=None, name="mine"):
    return add_model(path, name=name, like=like, facts=FACTS)


def test_an_added_model_is_installed_with_its_facts(file):
    pack, remarks = add(file(), "wespeaker")
    assert remarks == []
    assert pack.path == packs_folder() / "mine"
    assert (pack.dim, pack.license, pack.training_data) == (12, "MIT", ("made up",))
    assert pack.source == {"address": "https://example.org", "citation": "Nobody, 2026"}
    assert pack.published == {"x": 1.5}
    assert pack.front_end.window == "hamming"
    assert (pack.feeding.input, pack.feeding.output) == ("feats", "embs")
    assert load_pack("mine").id == pack.id
    assert pack.id in [found.id for found in installed()]
    assert len(Embedder(pack).embed_waveform(speak(1, 1.0))) == 12


def test_the_version_tells_the_bytes_and_how_they_are_fed(file):
    first = add(file(), "wespeaker")[0].version
    assert add(file(), "wespeaker")[0].version == first
    assert add(file(), "3d-speaker")[0].version != first
    assert add(file(name_in="other"), "wespeaker")[0].version != first


def test_what_sherpa_onnx_writes_for_wespeaker_is_understood_and_completed(file):
    pack, remarks = add(file(metadata=SHERPA_WESPEAKER))
    assert (pack.front_end.sample_scale, pack.front_end.window) == (32768, "hamming")
    assert pack.front_end.subtract_mean
    (remark,) = remarks
    assert "no mean normalisation" in remark
    assert "the pack subtracts the mean" in remark


def test_a_mean_inside_the_model_is_not_subtracted_twice(file):
    pack, remarks = add(file(metadata={**SHERPA_WESPEAKER, "comment": "mean_vec"}))
    assert not pack.front_end.subtract_mean
    assert "mean_vec" in remarks[0]


def test_what_sherpa_onnx_writes_for_3d_speaker_is_understood(file):
    pack, remarks = add(file(name_in="x", name_out="embedding", metadata=SHERPA_3DSPEAKER))
    assert (pack.front_end.sample_scale, pack.front_end.window) == (1, "povey")
    assert pack.front_end.subtract_mean
    assert remarks == []


def test_what_sherpa_onnx_writes_for_nemo_is_understood(file):
    model = file(bands_first=True, length="length", logits="logits", metadata=SHERPA_NEMO)
    pack, _ = add(model)
    assert pack.front_end.standardise
    assert (pack.feeding.output, pack.feeding.length_input) == ("embs", "length")
    assert (pack.feeding.layout, pack.feeding.frames_multiple) == ("bands, frames", 16)


@pytest.mark.parametrize(
    ("options", "like", "problem"),
    [
        ({}, None, "does not say what features it wants; say it with --like .wespeaker"),
        ({}, "kaldi", "--like kaldi is not known"),
        ({"metadata": SHERPA_WESPEAKER}, "3d-speaker", "says that it is of wespeaker, so --like"),
        ({"metadata": {**SHERPA_WESPEAKER, "sample_rate": "8000"}}, None, "8000 Hz"),
        ({"length": "n", "name_out": "a", "logits": "b"}, "wespeaker", "outputs b, a, and none"),
    ],
)
def test_a_model_whose_features_are_not_known_is_refused(file, options, like, problem):
    with pytest.raises(UsageError, match=problem):
        add(file(**options), like)
    assert not (packs_folder() / "mine").exists()


def test_a_variant_of_the_framework_that_the_file_names_may_be_chosen(file):
    pack, _ = add(file(metadata={**SHERPA_WESPEAKER, "normalize_samples": "1"}), "wespeaker-cli")
    assert (pack.front_end.sample_scale, pack.front_end.window) == (1, "povey")


def test_a_model_of_other_bands_is_refused_and_leaves_nothing(file):
    with pytest.raises(Exception, match=r"80|40"):
        add(file(bands=40), "wespeaker")
    assert list(packs_folder().iterdir()) == []


def test_no_model_and_no_file_are_refused(tmp_path):
    path = tmp_path / "x.onnx"
    with pytest.raises(PackError, match="cannot be read"):
        add(path, "wespeaker")
    path.write_bytes(b"hello")
    with pytest.raises(PackError, match="cannot run"):
        add(path, "wespeaker")


@pytest.mark.parametrize("name", ["Mine", "../x", "", "ecapa-compact", "downloads"])
def test_a_name_that_may_not_be_used_is_refused(file, name):
    with pytest.raises(UsageError, match="The name"):
        add(file(), "wespeaker", name)


def test_a_pack_is_tried_with_its_files(file):
    pack, _ = add(file(), "wespeaker")
    try_pack(pack)
    (pack.path / "model.onnx").write_bytes(b"evil")
    with pytest.raises(PackTamperedError):
        try_pack(load_pack("mine"))


def test_an_installed_pack_can_be_removed_and_no_other(file):
    pack, _ = add(file(), "wespeaker")
    install.remove("mine")
    assert not pack.path.exists()
    with pytest.raises(PackNotFoundError, match="no installed pack 'mine'"):
        install.remove("mine")
    with pytest.raises(UsageError, match="taken"):
        install.remove("ecapa-compact")


def test_a_pack_without_calibration_embeds_but_does_not_decide(file, voice):
    pack, _ = add(file(), "wespeaker")
    verifier = Verifier("memory:", pack=pack)
    assert verifier.embed(voice("ada", 1)).pack == pack.id
    with pytest.raises(UncalibratedPackError, match=r"not calibrated.*voxgate calibrate"):
        verifier.compare(voice("ada", 1), voice("ada", 2))


def test_the_sha256_in_the_pack_is_that_of_the_file(file):
    path = file()
    pack, _ = add(path, "wespeaker")
    assert pack.sha256 == {"model.onnx": hashlib.sha256(path.read_bytes()).hexdigest()}
