"""A small data set of synthetic voices with two lists of trials, and the tiny pack."""

import csv
from pathlib import Path

import pytest
import soundfile
import tiny_pack
from voices import RATE, speak

from voxgate.packs import Pack, load_pack

VOICES = (6, 21, 19, 3, 11, 14)  # numbers of voices.py
TAKES = 4


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings <set>/<speaker>/<take>.flac of 1.5 s, manifest.csv, one.trials and two.trials."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for part, voices in {"one": VOICES[:3], "two": VOICES[3:]}.items():
        names = []
        for voice in voices:
            for take in range(TAKES):
                name = f"{part}/v{voice}/{take}.flac"
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(folder / name, speak(voice, 1.5, take), RATE)
                names.append((name, voice))
                rows.append([part, f"v{voice}", take % 2, name])
        lines = [
            f"{int(v == w)} {a} {b}" for i, (a, v) in enumerate(names) for b, w in names[i + 1 :]
        ]
        (folder / f"{part}.trials").write_text("\n".join(lines) + "\n")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "speaker", "session", "path"])
        writer.writerows(rows)
    return folder
