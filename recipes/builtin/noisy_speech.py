"""Errors when one recording is as it was and the other is noisy, in a room, or on a telephone.

    python recipes/builtin/noisy_speech.py DATA [--pack NAME]

DATA has dev/ with the recordings and the lists of trials, and noise/ and rir/ with background
noises and room responses. The second recording of each trial is changed before its speech is looked
for. Prints the table of the model card. The noises and rooms are those that the recipe trains with;
the voices, and so the babble, are not.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from voxgate import load_pack
from voxgate.audio import Waveform, load
from voxgate.evaluate import Library, Trials, eer, find_trials
from voxgate.evaluate.embeddings import Embeddings, embed_recordings
from voxgate.evaluate.evaluation import own_thresholds
from voxgate.evaluate.summary import measure
from voxgate.evaluate.trials import pooled, score_trials
from voxgate.packs import Pack
from voxgate.train.augment import AugmentConfig, Augmenter

NOTHING = AugmentConfig(
    noise=0, babble=0, room=0, microphone=0, telephone=0, low_pass=0, mp3=0, clip=0
)


def noise(db: float, *, babble: bool = False) -> AugmentConfig:
    """Noise at this SNR."""
    return replace(NOTHING, noise=1, babble=babble, noise_snr_db=(db, db), babble_snr_db=(db, db))


CONDITIONS = {
    "as recorded": NOTHING,
    **{f"noise, {db} dB": noise(db) for db in (20, 10, 5, 0)},
    **{f"babble, {db} dB": noise(db, babble=True) for db in (20, 10)},
    "a room": replace(NOTHING, room=1),
    "another microphone": replace(NOTHING, microphone=1),
    "telephone": replace(NOTHING, telephone=1),
    "Opus, 6 to 24 kbit/s": replace(NOTHING, opus=1),
    "clipped": replace(NOTHING, clip=1),
}
OTHERS = 6  # who babble


class Changed(Library):
    """The recordings of a folder, each changed; and as loud as it was."""

    def __init__(self, folder: Path, recordings: dict[str, Waveform], augment: Augmenter) -> None:
        super().__init__(folder)
        self._recordings, self._augment = recordings, augment
        self._number = {name: i for i, name in enumerate(recordings)}

    def source(self, name: str) -> Waveform:
        """The recording's waveform."""
        rng = np.random.default_rng(self._number[name])
        waveform = self._recordings[name]
        batch = [waveform]
        if self._augment.config.babble:
            others = rng.choice([other for other in self._number if other != name], OTHERS)
            batch += [np.resize(self._recordings[other], len(waveform)) for other in others]
        changed = self._augment(np.stack(batch), rng)[0]
        return changed * np.sqrt((waveform**2).mean())


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--pack", default="ecapa-compact")
    options = parser.parse_args()
    pack, dev = load_pack(options.pack), options.data / "dev"
    lists = find_trials([dev])
    names = sorted({name for trials in lists for name in trials.recordings()})
    library = Library(dev)
    recordings = {name: load(library.source(name)) for name in names}
    clean = embed_recordings(pack, names, library, threads=2)
    heads = [*(trials.name for trials in lists), "pooled", "misses", "false accepts"]
    print(f"| one recording | {' | '.join(heads)} |\n| --- |{' ---: |' * len(heads)}")
    for condition, config in CONDITIONS.items():
        spoilt = Changed(dev, recordings, Augmenter(options.data, config))
        changed = embed_recordings(pack, names, spoilt, threads=2)
        cells = figures(pack, lists, joined(clean, changed))
        print(f"| {condition} | {' | '.join(f'{cell:.1f}' for cell in cells)} |", flush=True)


def joined(clean: Embeddings, changed: Embeddings) -> Embeddings:
    """Both, the changed ones by the name "changed" and their own."""
    rows = {f"changed {name}": len(clean.row) + row for name, row in changed.row.items()}
    arrays = ("vectors", "speech_s", "snr_db", "heard")
    return Embeddings(
        clean.row | rows,
        *(np.concatenate([getattr(clean, array), getattr(changed, array)]) for array in arrays),
    )


def figures(pack: Pack, lists: list[Trials], embeddings: Embeddings) -> list[float]:
    """In %: the EER of each list and of all, misses and false accepts at a nominal 1 %."""
    halfway = [
        replace(trials, probe=tuple(f"changed {name}" for name in trials.probe)) for trials in lists
    ]
    each = [score_trials(pack, trials, embeddings) for trials in halfway]
    whole = pooled(each)
    found = measure(
        whole, thresholds=own_thresholds(pack, whole.trials, embeddings), every_kind=False
    )
    rates = [eer(scores.llr, scores.trials.target) for scores in each]
    return [100 * float(rate) for rate in (*rates, found.eer, found.miss, found.false_accept)]


if __name__ == "__main__":
    main()
