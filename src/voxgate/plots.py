"""Pictures of a recording: a spectrogram with its speech marked.

`spectrogram` measures, with numpy and in bounded memory; `draw` and `save` need matplotlib, the
extra "plot". Levels are in decibels re full scale: a full-scale sine is 0 dB. A long recording is
averaged in power over neighbouring frames, so that the picture never has more than about 4,000
columns.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from voxgate.atomic import complete_or_absent
from voxgate.audio import SAMPLE_RATE, AudioStream, Source, Waveform, open_audio
from voxgate.errors import UsageError
from voxgate.extras import need
from voxgate.features import (
    Float32s,
    Floats,
    Framing,
    PowerStream,
    decibels,
    hz_to_mel,
    mel_edges_hz,
    mel_filters,
    mfcc,
)
from voxgate.quality import Quality
from voxgate.speech import SpeechReader
from voxgate.vad import Segment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["mel", "stft", "mfcc"]
KINDS: tuple[Kind, ...] = ("mel", "stft", "mfcc")

FRAMING = Framing(SAMPLE_RATE, window=400, hop=80, fft_size=1024)  # 25 ms every 5 ms
MEL_EDGES_HZ = mel_edges_hz(bands=128, low_hz=50, high_hz=SAMPLE_RATE / 2)
MFCC_COUNT = 20  # the first of them, c0, is the level and is left out of the picture
MOST_COLUMNS = 4000
RANGE_DB = 80  # what the colours span, down from the loudest

_TITLES = {"mel": "mel spectrogram", "stft": "spectrogram", "mfcc": "MFCC"}
_LONG_S = 180.0  # from here on the time is shown as on a clock
_CLOCK_STEPS_S = (30, 60, 120, 300, 600, 900, 1800)
_SIZE_IN, _DPI = (11.0, 4.6), 160
_INK = "#7a7f87"  # reads on white and on black alike: the background is transparent
_SPEECH = "#2a9d8f"
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _TOP_IN = 0.825, 1.045, 0.575, 0.966  # round the spectrogram
_NAME_IN, _FACTS_IN = 0.313, 0.561  # of the title's lines, down from the top
_LANE_IN, _BAR_IN = (0.11, 0.129), (0.165, 0.132)  # gap and thickness: of speech, of colours
_CHARACTERS = 7.3  # of a name that fit into an inch


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """What a picture shows.

    `levels` has shape (rows, columns), in decibels, lowest frequency or coefficient first; the
    columns are `column_s` seconds apart, from 0 to `duration_s`.
    """

    name: str
    kind: Kind
    levels: Floats
    column_s: float
    segments: tuple[Segment, ...]
    quality: Quality

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return self.quality.duration_s


def spectrogram(source: Source, kind: Kind = "mel") -> Spectrogram:
    """Measure a recording of any length.

    Raises:
        AudioError: it cannot be read.
        UsageError: `kind` is none of KINDS.
    """
    if kind not in KINDS:
        raise UsageError(f"No spectrogram of kind {kind!r}; there are {', '.join(KINDS)}.")
    columns = _Columns(MOST_COLUMNS)
    speech = SpeechReader(cast(AudioStream, _Tap(open_audio(source), columns.hear)))
    deque(speech, maxlen=0)  # reads it to the end
    return Spectrogram(
        name=speech.name,
        kind=kind,
        levels=_levels(columns.finish(), kind),
        column_s=columns.factor * FRAMING.hop_s,
        quality=speech.quality,
        segments=speech.segments,
    )


class _Tap:
    """An audio stream whose blocks somebody else hears, too."""

    def __init__(self, stream: AudioStream, hear: Callable[[Waveform], None]) -> None:
        self.name, self.info = stream.name, stream.info
        self._stream, self._hear = stream, hear

    def __iter__(self) -> Iterator[Waveform]:
        for block in self._stream:
            self._hear(block)
            yield block

    def __enter__(self) -> "_Tap":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()


def _levels(power: Float32s, kind: Kind) -> Floats:
    """Decibels (rows, columns) from power (columns, bins)."""
    if kind == "stft":
        return np.transpose(decibels(power))
    mel = power @ mel_filters(MEL_EDGES_HZ, FRAMING).T
    return np.transpose(decibels(mel) if kind == "mel" else mfcc(mel, MFCC_COUNT)[:, 1:])


class _Columns:
    """Averages the power of frames into fewer than 2 * `most` columns, however many come."""

    def __init__(self, most: int) -> None:
        self.factor = 1  # frames in a column
        self._most = most
        self._power = PowerStream(FRAMING)
        bins = FRAMING.fft_size // 2 + 1
        self._columns = np.empty((0, bins), np.float32)
        self._pending = np.empty((0, bins), np.float32)  # frames of a column that is not whole yet

    def hear(self, block: Waveform) -> None:
        """Take the next samples (samples,)."""
        self._push(self._power.push(block))

    def finish(self) -> Float32s:
        """All columns (columns, bins); the last may stand for fewer frames."""
        self._push(self._power.flush())
        if not len(self._pending):
            return self._columns
        return np.concatenate([self._columns, self._pending.mean(axis=0, keepdims=True)])

    def _push(self, frames: Float32s) -> None:
        frames = np.concatenate([self._pending, frames])
        whole = len(frames) // self.factor * self.factor
        self._columns = np.concatenate([self._columns, _averages(frames[:whole], self.factor)])
        self._pending = frames[whole:]
        while len(self._columns) >= 2 * self._most:
            self._halve()

    def _halve(self) -> None:
        even = len(self._columns) // 2 * 2
        odd_one = np.repeat(self._columns[even:], self.factor, axis=0)  # back into frames
        self._pending = np.concatenate([odd_one, self._pending])
        self._columns = _averages(self._columns[:even], 2)
        self.factor *= 2


def _averages(rows: Float32s, count: int) -> Float32s:
    """The mean of every `count` rows, (n * count, bins) to (n, bins)."""
    means: Float32s = rows.reshape(-1, count, rows.shape[1]).mean(axis=1)
    return means


def save(picture: Spectrogram, path: Path) -> None:
    """Write a PNG; the file is there complete, or not at all.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    figure = draw(picture)
    with complete_or_absent(path) as part, warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(part, format="png", dpi=_DPI, transparent=True)


def draw(picture: Spectrogram, *, size_in: tuple[float, float] = _SIZE_IN) -> "Figure":
    """Draw a spectrogram as a matplotlib figure with a transparent background.

    Args:
        picture: what to draw.
        size_in: width and height in inches; the writing keeps its size.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    need("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=size_in)
    FigureCanvasAgg(figure)
    width, height = size_in
    left, bottom = _LEFT_IN / width, _BOTTOM_IN / height
    across = 1 - left - _RIGHT_IN / width
    up = 1 - bottom - _TOP_IN / height
    axes = figure.add_axes((left, bottom, across, up))
    _draw_levels(axes, picture)
    gap, thick = _LANE_IN
    lane = (left, bottom + up + gap / height, across, thick / height)
    _draw_speech(figure.add_axes(lane), picture)
    gap, thick = _BAR_IN
    bar = (left + across + gap / width, bottom, thick / width, up)
    _draw_colour_bar(figure, axes, figure.add_axes(bar), picture)
    _write_title(figure, picture)
    return figure


def _draw_levels(axes: "Axes", picture: Spectrogram) -> None:
    rows, columns = picture.levels.shape
    first = -FRAMING.hop_s / 2  # the first frame is centred on 0
    low, high, colours = _colours(picture)
    axes.imshow(
        picture.levels,
        origin="lower",
        aspect="auto",
        extent=(first, first + columns * picture.column_s, -0.5, rows - 0.5),
        vmin=low,
        vmax=high,
        cmap=colours,
        interpolation="nearest" if picture.kind == "mfcc" else "antialiased",
    )
    _quiet(axes)
    axes.set_xlim(0, picture.duration_s)
    axes.set_xlabel(_time_ticks(axes, picture.duration_s))
    axes.set_ylabel("coefficient" if picture.kind == "mfcc" else "frequency (Hz)")
    positions, labels = _row_ticks(picture.kind)
    axes.set_yticks(positions, labels)


def _colours(picture: Spectrogram) -> tuple[float, float, str]:
    """The lowest and highest level shown, in decibels, and the colour map."""
    if picture.kind == "mfcc":
        reach = max(1.0, float(np.percentile(np.abs(picture.levels), 97)))
        return -reach, reach, "RdBu_r"
    loudest = max(float(picture.levels.max()), -60.0)  # silence stays dark
    return loudest - RANGE_DB, loudest, "magma"


def _row_ticks(kind: Kind) -> tuple[list[float], list[str]]:
    """Where on the row axis the ticks are, and what they say."""
    if kind == "mfcc":
        rows = list(range(1, MFCC_COUNT, 3))
        return [row - 1 for row in rows], [str(row) for row in rows]
    if kind == "stft":
        marks = np.arange(0.0, SAMPLE_RATE / 2 + 1, 1000)
        rows_at = marks / (SAMPLE_RATE / FRAMING.fft_size)
    else:
        marks = np.array([100.0, 250, 500, 1000, 2000, 4000, 8000])
        peaks = hz_to_mel(MEL_EDGES_HZ)
        rows_at = (hz_to_mel(marks) - peaks[1]) / (peaks[1] - peaks[0])
    return rows_at.tolist(), [f"{mark:,.0f}" for mark in marks]


def _time_ticks(axes: "Axes", duration_s: float) -> str:
    """Set clock-like ticks on a long recording; return the axis's label."""
    if duration_s <= _LONG_S:
        return "time (s)"
    step = next((s for s in _CLOCK_STEPS_S if duration_s / s <= 12), 3600)
    marks = np.arange(0, duration_s, step)
    hours = duration_s >= 3600
    axes.set_xticks(marks, [_clock(int(mark), hours=hours) for mark in marks])
    return "time (h:min:s)" if hours else "time (min:s)"


def _duration(duration_s: float) -> str:
    if duration_s <= _LONG_S:
        return f"{duration_s:.1f} s"
    return _clock(round(duration_s), hours=duration_s >= 3600)


def _clock(seconds: int, *, hours: bool) -> str:
    minutes, second = divmod(seconds, 60)
    if not hours:
        return f"{minutes}:{second:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def _draw_speech(axes: "Axes", picture: Spectrogram) -> None:
    """A lane over the spectrogram: a bar for each speech segment."""
    bars = [(segment.start_s, segment.duration_s) for segment in picture.segments]
    axes.broken_barh(bars, (0, 1), color=_SPEECH, linewidth=0)
    axes.axhline(0.5, color=_INK, linewidth=0.6, zorder=0)
    axes.set(xlim=(0, picture.duration_s), ylim=(0, 1), yticks=[0.5], yticklabels=["speech"])
    _quiet(axes)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", labelcolor=_SPEECH)


def _draw_colour_bar(figure: "Figure", axes: "Axes", bar: "Axes", picture: Spectrogram) -> None:
    cepstral = picture.kind == "mfcc"  # these reach beyond the colours on both sides
    colour_bar = figure.colorbar(
        axes.images[0], cax=bar, extend="both" if cepstral else "min", extendfrac=0.03
    )
    colour_bar.outline.set_visible(False)
    colour_bar.set_label("dB" if cepstral else "dB re full scale", color=_INK, fontsize=9)
    _quiet(bar)


def _write_title(figure: "Figure", picture: Spectrogram) -> None:
    width, height = figure.get_size_inches()
    name, half = picture.name, int(_CHARACTERS * width) // 2
    name = name if len(name) <= 2 * half else f"{name[:half]}…{name[1 - half :]}"
    quality = picture.quality
    facts = (
        f"{_TITLES[picture.kind]}  ·  {_duration(quality.duration_s)} long, "
        f"{_duration(quality.speech_s)} of it speech"
    )
    if quality.snr_db is not None:
        facts += f"  ·  SNR {quality.snr_db:.0f} dB"
    place: dict[str, Any] = {"color": _INK, "ha": "left", "va": "baseline"}
    figure.text(
        _LEFT_IN / width,
        1 - _NAME_IN / height,
        name,
        fontsize=13,
        fontweight="bold",
        parse_math=False,
        **place,
    )
    figure.text(_LEFT_IN / width, 1 - _FACTS_IN / height, facts, fontsize=9.5, **place)


def _quiet(axes: "Axes") -> None:
    """Grey ink, no frame."""
    axes.tick_params(colors=_INK, labelsize=9, length=3, width=0.6)
    axes.xaxis.label.set(color=_INK, fontsize=9)
    axes.yaxis.label.set(color=_INK, fontsize=9)
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
