"""Pictures of a recording as pieces of the page."""

from pathlib import Path

import numpy as np

from voxgate import drawings, plots
from voxgate.audio import Waveform, load
from voxgate.pitch import pitch_track
from voxgate.ui import fragments, strings

LONGEST_S = 1200.0
_SIZE_IN = (5.4, 3.7)


def spectrogram(path: str, kind: plots.Kind) -> str:
    """A spectrogram of one of the kinds, with its speech marked."""
    return _figure(plots.spectrogram(path, kind))


def all_of(path: str) -> str:
    """Waveform, the three spectrograms and the pitch track.

    Raises:
        AudioError: the recording cannot be read, or is longer than LONGEST_S.
    """
    waveform = load(path, max_s=LONGEST_S)
    mel = plots.spectrogram(path, "mel")
    shapes = [_figure(mel), *[_figure(plots.spectrogram(path, kind)) for kind in ("stft", "mfcc")]]
    wave = _picture(mel, strings.LOOK_WAVEFORM, "waveform", _waveform(waveform, mel))
    return fragments.gallery([wave, _pitch(waveform, mel), *shapes])


def _pitch(waveform: Waveform, picture: plots.Spectrogram) -> str:
    track = pitch_track(waveform)
    heard = track.hz[np.isfinite(track.hz)]
    if not heard.size:
        return fragments.note(strings.LOOK_PITCH_NONE)
    low, median, high = np.percentile(heard, [25, 50, 75])
    caption = strings.LOOK_PITCH_FACTS.format(
        median=f"{median:.0f}", low=f"{low:.0f}", high=f"{high:.0f}"
    )
    return _picture(picture, caption, "pitch", drawings.png(drawings.draw_pitch(track)))


def _waveform(waveform: Waveform, picture: plots.Spectrogram) -> bytes:
    return drawings.png(drawings.draw_waveform(waveform, picture.segments))


def _figure(picture: plots.Spectrogram) -> str:
    png = drawings.png(plots.draw(picture, size_in=_SIZE_IN))
    return _picture(picture, strings.LOOK_PICTURES[picture.kind], picture.kind, png)


def _picture(of: plots.Spectrogram, caption: str, kind: str, png: bytes) -> str:
    alt = strings.LOOK_ALT.format(what=caption, name=of.name, seconds=f"{of.duration_s:.1f}")
    file_name = f"{Path(of.name).stem}-{kind}.png"
    return fragments.picture(png, alt=alt, caption=caption, file_name=file_name)
