"""How near the converted Resemblyzer is to Resemblyzer, on real recordings.

    python recipes/resemblyzer/parity.py DATA [--pack resemblyzer]

DATA has `*.trials` and the recordings that they name. Resemblyzer's own `preprocess_wav` (volume,
silence cut out with webrtcvad) prepares each recording; what is left goes to its own
`embed_utterance` and to the pack's `Embedder.embed_waveform`, and their embeddings are compared.
Then every recording is embedded by both, prepared like that, and by the pack once more as any
user's recording is (Voxgate's own speech detection), and the trials are scored with the cosine.
The EER is that of the published figures: the mean of both rates at the point of scikit-learn's
ROC where they are nearest.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from voxgate.audio import load
from voxgate.embed import Embedder
from voxgate.errors import TooLittleSpeechError
from voxgate.evaluate.trials import Trials, read_trials
from voxgate.packs import load_pack

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports a deprecated module of SciPy
    import resemblyzer

Waveform = NDArray[np.float32]

PUBLISHED = {  # EER %, what Resemblyzer 0.1.4 itself scores on the development sets
    "arabiccommands": 10.48, "commonvoice": 12.26, "fsdd": 25.87, "librispeech": 1.15,
    "speechcommands": 11.62, "voxforge": 4.68, "all": 11.57,
}  # fmt: skip
SHORTEST = 400  # samples: a recording of which less is left is taken whole


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--pack", default="resemblyzer")
    parser.add_argument("--recordings", type=int, default=100, help="to compare one by one")
    options = parser.parse_args()
    lists = [read_trials(path) for path in sorted(options.data.glob("*.trials"))]
    names = sorted({n for trials in lists for n in (*trials.enrolled, *trials.probe)})
    embedder = Embedder(load_pack(options.pack))
    theirs = resemblyzer.VoiceEncoder("cpu", verbose=False)
    speech = {name: prepare(options.data / name) for name in names}
    systems = [
        embed_all(names, lambda name: theirs.embed_utterance(speech[name])),
        embed_all(names, lambda name: embedder.raw_output(speech[name])[0]),
        embed_all(names, lambda name: embed_plainly(embedder, options.data / name)),
    ]
    chosen = names[:: max(1, len(names) // options.recordings)][: options.recordings]
    for what, some in ((f"{len(chosen)} recordings", chosen), (f"all {len(names)}", names)):
        cosines = [float(systems[0][name] @ systems[1][name]) for name in some]
        print(f"{what}: cosine at least {min(cosines):.7f}, mean {np.mean(cosines):.7f}")
    print("\n| set | trials | published | Resemblyzer, here | the pack | with Voxgate's speech |")
    print("|---|---:|---:|---:|---:|---:|")
    scores = [[score(trials, vectors) for vectors in systems] for trials in lists]
    for trials, found in zip(lists, scores, strict=True):
        print(row(trials.name, trials.target, found))
    pooled = [np.concatenate(parts) for parts in zip(*scores, strict=True)]
    print(row("all", np.concatenate([trials.target for trials in lists]), pooled))
    return 0


def prepare(path: Path) -> Waveform:
    """The recording as Resemblyzer wants it; whole where it finds no speech in it."""
    speech = resemblyzer.preprocess_wav(path)
    return speech.astype(np.float32) if len(speech) >= SHORTEST else load(path)


def embed_plainly(embedder: Embedder, path: Path) -> NDArray[np.float32]:
    """As `voxgate embed` does; whole where there is too little speech."""
    try:
        return embedder.embed(path).vector
    except TooLittleSpeechError:
        return embedder.raw_output(load(path))[0]


def embed_all(
    names: list[str], embed: Callable[[str], NDArray[np.float32]]
) -> dict[str, NDArray[np.float64]]:
    """Unit embeddings by name."""
    vectors = {name: embed(name).astype(np.float64) for name in names}
    return {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}


def score(trials: Trials, vectors: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Cosine of each trial."""
    pairs = zip(trials.enrolled, trials.probe, strict=True)
    return np.array([vectors[a] @ vectors[b] for a, b in pairs])


def row(name: str, target: NDArray[np.bool_], scores: list[NDArray[np.float64]]) -> str:
    """A line of the table."""
    rates = [f"{100 * eer(found, target):.2f}" for found in scores]
    cells = [name, f"{len(target)}", f"{PUBLISHED.get(name, float('nan')):.2f}", *rates]
    return "| " + " | ".join(cells) + " |"


def eer(scores: NDArray[np.float64], target: NDArray[np.bool_]) -> float:
    """Equal error rate, as the published figures reckon it."""
    false_accepts, accepts, _ = roc_curve(target, scores)
    nearest = np.abs(1 - accepts - false_accepts).argmin()
    return float(1 - accepts[nearest] + false_accepts[nearest]) / 2


if __name__ == "__main__":
    sys.exit(main())
