"""The packs that ship: they are small, sound, and as good as their pack.toml says."""

import csv
import tarfile
from itertools import combinations, permutations
from pathlib import Path

import pytest

from voxgate.audio import load
from voxgate.evaluate import Library, Scores, find_trials
from voxgate.evaluate.embeddings import embed_recordings
from voxgate.evaluate.summary import summarise
from voxgate.evaluate.trials import score_trials
from voxgate.packs import PACKS, load_pack
from voxgate.verify import Verifier

LARGEST_BYTES = {"ecapa-compact": 15_000_000, "ecapa-compact-small": 5_000_000}
SPEAKERS = ("ada", "alan", "edsger", "grace")  # of the examples
LISTS = ("arabiccommands", "librispeech")


@pytest.fixture(scope="module", params=PACKS)
def pack(request):
    return load_pack(request.param)


def test_the_larger_one_is_used_when_none_is_named():
    assert load_pack().name == "ecapa-compact"


def test_it_is_small_and_every_file_is_the_one_stated(pack):
    sizes = [len(pack.read(name)) for name in pack.sha256]
    assert sum(sizes) <= LARGEST_BYTES[pack.name]
    assert pack.cohort().embeddings.shape[1] == pack.dim <= 256


def test_its_files_name_nobodys_folders(pack):
    for name in pack.sha256:
        content = pack.read(name)
        assert b"/home/" not in content
        assert b"site-packages" not in content


def test_it_tells_the_synthetic_voices_apart_with_the_calibration_it_brings(pack, voice):
    verifier = Verifier("memory:", pack=pack)
    same = [verifier.compare(voice(s, 1), voice(s, 2)).llr for s in SPEAKERS]
    other = [verifier.compare(voice(a, 1), voice(b, 2)).llr for a, b in permutations(SPEAKERS, 2)]
    assert min(same) > max(other)


def test_whoever_tries_two_of_the_examples_gets_the_right_answer(voice):
    verifier = Verifier("memory:")
    recordings = [(speaker, number) for speaker in SPEAKERS for number in (1, 2, 3)]
    for a, b in combinations(recordings, 2):
        assert verifier.compare(voice(*a), voice(*b)).accepted == (a[0] == b[0]), (a, b)


@pytest.mark.parametrize("speaker", ["ada", "alan", "grace"])
def test_longer_speech_makes_the_same_voice_more_certain(pack, voice, speaker):
    verifier = Verifier("memory:", pack=pack)
    whole = load(voice(speaker, 2))
    short, long = (
        verifier.compare(voice(speaker, 1), speech).llr for speech in (whole[:16_000], whole)
    )
    assert long > short


@pytest.fixture(scope="module")
def scored(pack, voxgate_data: Path, tmp_path_factory) -> list[Scores]:
    """Two lists of real trials, scored."""
    folder = tmp_path_factory.mktemp("dev")
    for name in LISTS:
        with tarfile.open(voxgate_data / "dev" / f"{name}.tar") as tar:
            tar.extractall(folder, filter="data")
        trials = voxgate_data / "dev" / f"{name}.trials"
        (folder / trials.name).write_bytes(trials.read_bytes())
    lists = find_trials([folder])
    names = {name for trials in lists for name in trials.recordings()}
    embeddings = embed_recordings(pack, names, Library(folder))
    return [score_trials(pack, trials, embeddings) for trials in lists]


def test_it_scores_real_trials_as_its_pack_toml_says(pack, scored):
    for scores in scored:
        found, stated = summarise(scores), pack.metrics[scores.trials.name]
        for figure in ("eer", "eer_as_norm", "eer_cosine"):
            assert found[figure] == pytest.approx(stated[figure], abs=0.3), figure
        assert found["cllr"] == pytest.approx(stated["cllr"], abs=0.02)


def test_it_gives_every_trial_the_score_it_had_when_it_was_made(pack, scored):
    """As recipes/builtin/exact_scores.py wrote them down.

    To 0.01 of a cosine, 0.2 of an LLR: the 8-bit sums of other processors may differ so."""
    by_list = {scores.trials.name: scores for scores in scored}
    with Path(__file__).with_name("builtin_scores.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pack"] == pack.name]
    assert {row["list"] for row in rows} == set(LISTS)
    for row in rows:
        found = by_list[row["list"]].by_kind
        trial = int(row["trial"])
        assert found["cosine"][trial] == pytest.approx(float(row["cosine"]), abs=0.01), row
        assert found["llr"][trial] == pytest.approx(float(row["llr"]), abs=0.2), row
