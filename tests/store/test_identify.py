"""A Verifier identifies the same voices whichever store they are in, and whoever searches."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from store.conftest import KEY
from store.samples import sample
from voxgate.decision import Identification
from voxgate.embed import Embedding
from voxgate.errors import GroupNotFoundError
from voxgate.packs import load_pack
from voxgate.quality import Quality
from voxgate.scoring import FalseAcceptRate
from voxgate.store import Store, open_store, vectors
from voxgate.verify import Verifier

PACK = load_pack()
SPEAKERS = 60
SOUND = Quality(4.0, 4.0, 30.0, 0.0, 8000.0, -20.0)


def voice(number: int) -> np.ndarray:
    return sample(number, dim=PACK.cohort().embeddings.shape[1]).vector


def probe(number: int) -> Embedding:
    """Another recording of the speaker of that number."""
    vector = voice(number) + 0.8 * voice(1000 + number)
    vector = np.asarray(vector / np.linalg.norm(vector), np.float32)
    return Embedding(vector, 4.0, SOUND, (), PACK.id, f"{number}.wav")


def enrol(store: Store) -> None:
    for number in range(SPEAKERS):
        taken = replace(sample(number), vector=voice(number))
        store.enrol(f"speaker {number}", PACK.id, [taken])
    store.put_group("even")
    store.add_members("even", [f"speaker {number}" for number in range(0, SPEAKERS, 2)])


def facts(found: Identification) -> list[Any]:
    ranked = [
        (one.speaker, round(one.llr, 3), round(one.cosine, 6), one.threshold)
        for one in found.candidates
    ]
    return [found.outcome, found.searched, *ranked]


@pytest.fixture
def exact() -> Callable[..., Identification]:
    """Identifies over a store that leaves the search to the Verifier."""
    store = open_store("memory:")
    enrol(store)
    return Verifier(store, pack=PACK, policy=FalseAcceptRate(0.01)).identify


@pytest.mark.parametrize("most", [20_000, 10])
def test_the_search_of_postgresql_comes_to_the_same_as_one_over_all(
    own_database: str,
    exact: Callable[..., Identification],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors, "EXACT_UP_TO", most)
    with closing(open_store(own_database, key=KEY)) as store:
        enrol(store)
        verifier = Verifier(store, pack=PACK, policy=FalseAcceptRate(0.01))
        monkeypatch.setattr(store, "voiceprints", None)  # not all are read
        some = [f"speaker {number}" for number in range(20)]
        for number in (4, 5, 2000):
            for scope in ({}, {"group": "even"}, {"among": some}, {"group": "even", "among": some}):
                found = verifier.identify(probe(number), top=3, **scope)
                assert facts(found) == facts(exact(probe(number), top=3, **scope))
        assert verifier.identify(probe(5)).candidates[0].speaker == "speaker 5"
        among_even = verifier.identify(probe(5), group="even").candidates
        assert all(int(one.speaker.split()[1]) % 2 == 0 for one in among_even)
        assert verifier.identify(probe(5), among=[]).searched == 0
        with pytest.raises(GroupNotFoundError):
            verifier.identify(probe(5), group="nobody")


def test_there_is_no_such_group(exact: Callable[..., Identification]) -> None:
    with pytest.raises(GroupNotFoundError):
        exact(probe(1), group="nobody")
