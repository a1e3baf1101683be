"""How the features of a public model go into its network: the table [model] of a pack.toml."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxgate.audio import Waveform
from voxgate.errors import UsageError

LAYOUTS = ("frames, bands", "bands, frames")

USUAL: dict[str, Any] = {  # what most networks want; a pack states all of it all the same
    "layout": "frames, bands",
    "frames_multiple": 1,
    "quiet_dbfs": -math.inf,
    "level_dbfs": -math.inf,
    "window_frames": 0,
    "window_step": 0,
    "window_coverage": 0.0,
}


@dataclass(frozen=True)
class Feeding:
    """The names of a network's inputs and output, and the form they have.

    A network that hears windows of a fixed length (`window_frames` above 0) is given one every
    `window_step` frames, and its outputs are averaged. The last window is filled with silence,
    and left out where it holds less than a share `window_coverage` of sound.
    """

    input: str  # float (batch, frames, bands), or (batch, bands, frames)
    output: str  # float (batch, dim)
    layout: str  # one of LAYOUTS
    length_input: str  # int64 (batch,), how many frames are not filling; "" where there is none
    frames_multiple: int  # frames are filled up with zeros to a multiple of it
    quiet_dbfs: float  # speech with an RMS below it is brought up to `level_dbfs`; -inf: never
    level_dbfs: float
    window_frames: int  # 0: the network hears all of it at once
    window_step: int
    window_coverage: float

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise UsageError(f"layout is {self.layout!r}; it must be one of {LAYOUTS}.")
        if not (self.input and self.output):
            raise UsageError("input and output must name those of the network.")
        if self.frames_multiple < 1:
            raise UsageError(f"frames_multiple is {self.frames_multiple}; at least 1 is needed.")
        if self.window_frames and not 1 <= self.window_step <= self.window_frames:
            raise UsageError(
                f"window_step is {self.window_step}; windows of {self.window_frames} frames must "
                "follow each other by at least 1 and at most that many."
            )

    def window_starts(self, samples: int, shift: int) -> range:
        """First frames of the windows that cover so many samples, a frame every `shift`."""
        frames = math.ceil((samples + 1) / shift)
        count = max(1, frames - self.window_frames + self.window_step + 1)
        starts = range(0, count, self.window_step)
        covered = (samples - starts[-1] * shift) / (self.window_frames * shift)
        return starts[:-1] if covered < self.window_coverage and len(starts) > 1 else starts

    def level(self, speech: Waveform) -> Waveform:
        """Speech (samples,), brought up to `level_dbfs` if it is quiet."""
        rms = math.sqrt(np.mean(np.square(speech, dtype=np.float64)))
        if not 0 < rms < 10 ** (self.quiet_dbfs / 20):
            return speech
        louder: Waveform = speech * np.float32(10 ** (self.level_dbfs / 20) / rms)
        return louder


def make_feeding(table: Mapping[str, Any]) -> Feeding:
    """The feeding that a table states, all keys of it.

    Raises:
        UsageError: something in it makes no sense.
    """
    return Feeding(**table)
