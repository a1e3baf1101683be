"""EER by seconds of speech on either side, on people that the pack never heard.

    python recipes/builtin/short_speech.py DATA/dev [--pack NAME] [--out docs/short-speech.png]

DATA/dev has manifest.csv (dataset, speaker, language, path) and the recordings. Of each speaker of
sentences the speech of one half of the recordings is joined, and that of the other half; from
either join pieces of each length are cut at random. A piece of one half against a piece of the
other is a trial; strangers are those of one data set and one language. Prints the table of
docs/short-speech.md.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate import Embedder, load_pack
from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.evaluate import eer
from voxgate.packs import Pack
from voxgate.speech import read_speech

SENTENCES = ("commonvoice", "librispeech", "voxforge")
LENGTHS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
PIECES = 4  # of each length from each half
Speaker = tuple[str, str, str]  # data set, language, name


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dev", type=Path)
    parser.add_argument("--pack", default="ecapa-compact")
    parser.add_argument("--out", type=Path, help="also draw the curves here")
    options = parser.parse_args()
    pack = load_pack(options.pack)
    halves = joined_speech(options.dev)
    pieces = {length: cut(pack, halves, length) for length in LENGTHS_S}
    rates = {
        (a, b): error_rates(pack, pieces[a], a, pieces[b], b)
        for a in LENGTHS_S
        for b in LENGTHS_S
        if a <= b
    }
    print(table(rates))
    if options.out:
        draw(rates, options.out)


def joined_speech(dev: Path) -> dict[Speaker, tuple[Waveform, Waveform]]:
    """The speech of either half of each speaker's recordings."""
    recordings = defaultdict(list)
    with (dev / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] in SENTENCES:
                recordings[row["dataset"], row["language"], row["speaker"]].append(row["path"])
    joined = {}
    for speaker, paths in recordings.items():
        if len(paths) > 1:
            speech = [np.concatenate([*read_speech(dev / path)] or [[]]) for path in sorted(paths)]
            middle = len(speech) // 2
            joined[speaker] = (
                np.concatenate(speech[:middle]).astype(np.float32),
                np.concatenate(speech[middle:]).astype(np.float32),
            )
    return joined


def cut(
    pack: Pack, halves: dict[Speaker, tuple[Waveform, Waveform]], length_s: float
) -> dict[Speaker, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Embeddings (pieces, dim) of random pieces of both halves, where both are long enough."""
    embedder, rng = Embedder(pack), np.random.default_rng(1)
    samples = round(length_s * SAMPLE_RATE)

    def some(speech: Waveform) -> NDArray[np.float32]:
        starts = rng.integers(len(speech) - samples + 1, size=PIECES)
        return np.stack([embedder.embed_waveform(speech[s : s + samples]) for s in starts])

    return {
        speaker: (some(one), some(other))
        for speaker, (one, other) in halves.items()
        if min(len(one), len(other)) >= samples
    }


def error_rates(pack: Pack, first: dict, a_s: float, second: dict, b_s: float) -> tuple[float, ...]:
    """EER in %, misses in % at the pack's own threshold for 1 %, false accepts there, speakers."""
    speakers = [speaker for speaker in first if speaker in second]
    one = np.concatenate([first[speaker][0] for speaker in speakers])
    other = np.concatenate([second[speaker][1] for speaker in speakers])
    number = np.repeat(np.arange(len(speakers)), PIECES)
    place = np.repeat(
        np.unique(
            [f"{dataset} {language}" for dataset, language, _ in speakers], return_inverse=True
        )[1],
        PIECES,
    )
    together = place[:, None] == place
    target = (number[:, None] == number)[together]
    llr = pack.calibration.llr(pack.cohort().as_norm(one, other), a_s, b_s)[together]
    accepted = llr >= pack.false_accepts.threshold(0.01, a_s, b_s).llr
    return (
        100 * eer(llr, target),
        100 * float((~accepted[target]).mean()),
        100 * float(accepted[~target].mean()),
        len(speakers),
    )


def table(rates: dict[tuple[float, float], tuple[float, ...]]) -> str:
    """Markdown: a row for each pair of lengths."""
    lines = [
        "| seconds on one side | on the other | speakers | EER % | misses % | false accepts % |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {a:g} | {b:g} | {speakers} | {rate:.1f} | {misses:.1f} | {accepts:.1f} |"
        for (a, b), (rate, misses, accepts, speakers) in rates.items()
    ]
    return "\n".join(lines)


def draw(rates: dict[tuple[float, float], tuple[float, ...]], path: Path) -> None:
    """EER over the shorter side's seconds, a curve for each length of the longer side."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only with --out

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(LENGTHS_S)))
    for longer, colour in zip(LENGTHS_S, colours, strict=True):
        shorter = [a for a in LENGTHS_S if a <= longer]
        curve = [rates[a, longer][0] for a in shorter]
        axes.plot(shorter, curve, "o-", color=colour, label=f"{longer:g} s")
    axes.set_xscale("log", base=2)
    axes.set_xticks(LENGTHS_S, [f"{length:g}" for length in LENGTHS_S])
    axes.set_ylim(bottom=0)
    axes.set(xlabel="speech on the shorter side, seconds", ylabel="EER, %")
    axes.grid(alpha=0.3)
    axes.legend(title="on the longer side", frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
