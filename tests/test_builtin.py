"""The pack that ships: it is small, sound, and as good as its pack.toml says."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from voxgate.evaluate import pack_metrics
from voxgate.packs import load_pack
from voxgate.verify import Verifier

LARGEST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def pack():
    return load_pack()


def test_it_is_small_and_every_file_is_the_one_stated(pack):
    sizes = [len(pack.read(name)) for name in pack.sha256]
    assert sum(sizes) <= LARGEST_BYTES
    assert pack.cohort().embeddings.shape[1] == pack.dim <= 256


def test_its_files_name_nobodys_folders(pack):
    for name in pack.sha256:
        content = pack.read(name)
        assert b"/home/" not in content
        assert b"site-packages" not in content


def test_it_tells_the_synthetic_voices_apart_with_the_calibration_it_brings(pack, voice):
    verifier = Verifier("memory:", pack=pack)
    same = [verifier.compare(voice(s, 1), voice(s, 2)).llr for s in ("ada", "alan", "grace")]
    other = [verifier.compare(voice("ada", 1), voice(s, 2)).llr for s in ("alan", "grace")]
    assert min(same) > max(other)


def test_longer_speech_makes_the_same_voice_more_certain(pack, ada):
    short, long = (
        pack.calibration.llr(np.array([6.0]), seconds, seconds)[0] for seconds in (0.5, 5.0)
    )
    assert long > short


def test_it_scores_real_trials_as_its_pack_toml_says(pack, voxgate_data: Path, tmp_path):
    for name in ("arabiccommands", "librispeech"):
        with tarfile.open(voxgate_data / "dev" / f"{name}.tar") as tar:
            tar.extractall(tmp_path, filter="data")
        trials = voxgate_data / "dev" / f"{name}.trials"
        (tmp_path / trials.name).write_bytes(trials.read_bytes())
    found = pack_metrics(pack, tmp_path)
    for name in ("arabiccommands", "librispeech"):
        for figure in ("eer", "eer_as_norm", "eer_cosine"):
            stated = pack.metrics[name][figure]
            assert found[name][figure] == pytest.approx(stated, abs=0.3), (name, figure)
        assert found[name]["cllr"] == pytest.approx(pack.metrics[name]["cllr"], abs=0.02)
