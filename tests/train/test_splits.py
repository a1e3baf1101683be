from pathlib import Path

import numpy as np
import pytest

from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.corpora import Recording
from voxgate.train.splits import by_speaker, training_and_held_out


def recordings() -> list[Recording]:
    """Ten speakers in dataset a and twenty in b, three recordings of each."""
    return [
        Recording(dataset, f"{dataset}/{speaker}", f"{dataset}/{speaker}/{take}", Path("x"))
        for dataset, speakers in {"a": 10, "b": 20}.items()
        for speaker in range(speakers)
        for take in range(3)
    ]


def corpus(*counts: int) -> Corpus:
    """Speaker s has counts[s] recordings."""
    speaker = np.repeat(np.arange(len(counts)), counts)
    return Corpus(
        samples=np.zeros(len(speaker), np.int16),
        starts=np.arange(len(speaker) + 1),
        speaker=speaker,
        dataset=np.zeros(len(speaker), np.int64),
        population=np.zeros(len(speaker), np.int64),
        speakers=[f"a/{s}" for s in range(len(counts))],
        datasets=["a"],
        names=[f"{n:03}" for n in range(len(speaker))],
    )


def test_parts_share_no_speaker_and_every_dataset_gives_its_share():
    parts = by_speaker(recordings(), {"train": 0.7, "dev": 0.2, "test": 0.1}, seed=1)
    speakers = {part: {r.speaker for r in inside} for part, inside in parts.items()}
    assert {part: len(found) for part, found in speakers.items()} == {
        "train": 21, "dev": 6, "test": 3,
    }  # fmt: skip
    assert len(set().union(*speakers.values())) == 30
    assert sum(speaker.startswith("a/") for speaker in speakers["dev"]) == 2
    assert sum(len(inside) for inside in parts.values()) == 90


def test_a_split_depends_on_the_seed_and_not_on_the_order():
    shares = {"train": 0.8, "dev": 0.2}
    names = [
        {r.name for r in by_speaker(given, shares, seed)["dev"]}
        for given, seed in [(recordings(), 1), (recordings()[::-1], 1), (recordings(), 2)]
    ]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("shares", [{"train": 0.8, "dev": 0.3}, {"train": 1.0, "dev": 0.0}])
def test_shares_that_do_not_add_up_are_refused(shares):
    with pytest.raises(TrainingError, match="add up to 1"):
        by_speaker(recordings(), shares, seed=1)


def test_a_part_without_a_speaker_is_refused():
    with pytest.raises(TrainingError, match="No speaker falls to dev"):
        by_speaker(recordings()[:9], {"train": 0.9, "dev": 0.1}, seed=1)


def test_who_is_held_out_does_not_depend_on_the_datasets_chosen():
    everyone = corpus(3, 3, 3, 3, 1)
    train, held_out = training_and_held_out(everyone, (), 0.5, seed=1)
    assert sorted([*train, *held_out]) == list(range(13))
    assert not set(everyone.speaker[train]) & set(everyone.speaker[held_out])
    assert len(np.unique(everyone.speaker[held_out])) == 2
    assert 4 not in everyone.speaker[held_out]  # of one recording nothing can be compared
    again = training_and_held_out(everyone, ("a",), 0.5, seed=1)
    assert (again[1] == held_out).all()


def test_a_dataset_that_is_not_there_is_refused():
    with pytest.raises(TrainingError, match="There is no dataset 'b' in the corpus; it has a"):
        training_and_held_out(corpus(2, 2), ("b",), 0.5, seed=1)
