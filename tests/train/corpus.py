"""A small corpus of synthetic voices in the form of the real ones, and an experiment over it."""

import csv
from pathlib import Path

import numpy as np
import soundfile as sf
from voices import speak

EXPERIMENT = """
name = "small"
steps = {steps}
checkpoint_every = 2
data.hold_out = 0.5

[sampling]
batch_s = 8
row_s = 1.0
crop_s = [0.5, 1.0]

[model]
kind = "ecapa"
channels = 16
aggregate = 24
attention = 8
scale = 4
dim = 16

[pack]
cohort_size = 4
cohort_nearest = 3
"""


def write_corpus(folder: Path, voices: range, recordings: int = 4) -> Path:
    """manifest.csv and recordings of 7 s in `folder`, and one list of trials over them."""
    rng = np.random.default_rng(0)
    names = {}
    for voice in voices:
        for take in range(recordings):
            name = f"made/{voice}/{take}.flac"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            sf.write(folder / name, speak(voice, rng.uniform(4.5, 7.5), take), 16_000)
            names[name] = voice
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "speaker", "path"])
        writer.writerows(["made", voice, name] for name, voice in names.items())
    trials = [f"{int(names[a] == names[b])} {a} {b}" for a in names for b in names if a < b]
    (folder / "made.trials").write_text("\n".join(trials), encoding="utf-8")
    return folder


def write_noise(folder: Path) -> Path:
    """One noise and one room."""
    rng = np.random.default_rng(0)
    for name, samples in {"noise": 20_000, "rir": 2_000}.items():
        (folder / name).mkdir(parents=True)
        decay = np.exp(-np.arange(samples) / (300 if name == "rir" else 1e9))
        sf.write(
            folder / name / "made.wav",
            0.3 * rng.normal(size=samples).clip(-3, 3) * decay / 3,
            16_000,
        )
    return folder
