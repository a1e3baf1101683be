"""A published corpus in small: the tree that its makers give out, with synthetic voices in it."""

from pathlib import Path

import soundfile as sf
from voices import speak


def write_librispeech(root: Path) -> Path:
    """Two speakers with a chapter of two sentences each, as in LibriSpeech's dev-clean."""
    for speaker in (84, 174):
        chapter = root / "dev-clean" / str(speaker) / "7"
        chapter.mkdir(parents=True)
        names = [f"{speaker}-7-{sentence:04}" for sentence in range(2)]
        for take, name in enumerate(names):
            sf.write(chapter / f"{name}.flac", speak(speaker, 1.5, take), 16_000)
        lines = "".join(f"{name} WORDS THAT WERE READ\n" for name in names)
        (chapter / f"{speaker}-7.trans.txt").write_text(lines)
    return root
