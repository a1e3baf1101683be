"""What may be in a store whose writers, or whose server, were killed while they worked."""

from collections.abc import Iterator

from store.samples import PACK, sample
from voxgate.store import Mode, Sample, Store, Voiceprint

STEPS: tuple[tuple[Mode, list[int]], ...] = (  # how a speaker is enrolled, with which samples
    ("new", [1, 2]),
    ("add", [3]),
    ("replace", [4, 5]),
)
_IDS = {number: sample(number).id for number in range(1, 6)}
_STATES = {  # the samples that there may be, by the last step that was acknowledged
    None: ([], [_IDS[1], _IDS[2]]),
    "new": ([_IDS[1], _IDS[2]], [_IDS[1], _IDS[2], _IDS[3]]),
    "add": ([_IDS[1], _IDS[2], _IDS[3]], [_IDS[4], _IDS[5]]),
    "replace": ([_IDS[4], _IDS[5]],),
}


def steps(store: Store, speaker: str, *, replace: bool = True) -> Iterator[str]:
    """Enrol a speaker step by step, and yield the name of each when it was acknowledged."""
    for mode, numbers in STEPS[: 3 if replace else 2]:
        store.enrol(speaker, PACK, [sample(number) for number in numbers], mode=mode)
        yield mode


def matches(voiceprint: Voiceprint, samples: list[Sample]) -> bool:
    expected = Voiceprint.of(voiceprint.speaker, voiceprint.pack, samples)
    assert voiceprint.vector.tolist() == expected.vector.tolist()
    amounts = (voiceprint.speech_s, voiceprint.recordings, voiceprint.updated_at)
    return amounts == (expected.speech_s, expected.recordings, expected.updated_at)


def check_consistent(store: Store, acknowledged: dict[str, str]) -> None:
    """Everything acknowledged is there, and nothing is there by halves."""
    found = {voiceprint.speaker: voiceprint for voiceprint in store.voiceprints(PACK)}
    assert {summary.name for summary in store.speakers()} == set(found)
    assert set(acknowledged) <= set(found)
    for speaker, voiceprint in found.items():
        samples = store.samples(speaker, PACK)
        assert matches(voiceprint, samples)
        assert [kept.id for kept in samples] in _STATES[acknowledged.get(speaker)]
