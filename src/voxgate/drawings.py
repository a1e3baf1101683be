"""Drawings beside the spectrogram: waveform, pitch, a pack's DET curve, voices on a plane.

All need matplotlib, the extra "plot", and have a transparent background, with grey ink that
reads on white and on black alike.
"""

import io
import warnings
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.extras import need
from voxgate.features import Floats
from voxgate.packs import Pack
from voxgate.pitch import HIGHEST_HZ, LOWEST_HZ, PitchTrack
from voxgate.vad import Segment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 150
_INK, _SPEECH, _VOICE = "#7a7f87", "#2a9d8f", "#d1495b"
_COLUMNS = 2000  # of a waveform: the lowest and highest sample of each are drawn
_RATES = (
    0.0003,
    0.001,
    0.003,
    0.01,
    0.03,
    0.1,
    0.2,
    0.4,
    0.6,
    0.8,
    0.9,
)  # the ticks of a DET curve
_SHADES = ("#c3e7e1", "#8fd3c8", "#56b8aa", "#2a9d8f", "#1d7268", "#114841")


def png(figure: "Figure") -> bytes:
    """The figure as the bytes of a PNG file with a transparent background."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="png", dpi=_DPI, transparent=True)
    return buffer.getvalue()


def draw_waveform(
    waveform: Waveform, segments: Sequence[Segment], *, size_in: tuple[float, float] = (5.4, 2.6)
) -> "Figure":
    """Amplitude over time (s) of a waveform (samples,), its speech in colour.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure(size_in)
    columns = min(_COLUMNS, len(waveform))
    edges = np.linspace(0, len(waveform), columns, endpoint=False).astype(int)
    lowest, highest = np.minimum.reduceat(waveform, edges), np.maximum.reduceat(waveform, edges)
    times = (edges + len(waveform) / columns / 2) / SAMPLE_RATE
    spoken = np.zeros(columns, bool)
    for segment in segments:
        spoken |= (times >= segment.start_s) & (times < segment.end_s)
    for where, colour in ((~spoken, _INK), (spoken, _SPEECH)):
        axes.vlines(times[where], lowest[where], highest[where], color=colour, linewidth=0.7)
    reach = max(0.05, 1.05 * float(np.abs(waveform).max()))
    axes.set(xlim=(0, len(waveform) / SAMPLE_RATE), ylim=(-reach, reach))
    axes.set(xlabel="time (s)", ylabel="amplitude")
    return figure


def draw_pitch(track: PitchTrack, *, size_in: tuple[float, float] = (5.4, 2.6)) -> "Figure":
    """Fundamental frequency (Hz) over time (s); nothing where there is none.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure(size_in)
    axes.plot(track.times_s, track.hz, ".", color=_SPEECH, markersize=3)
    axes.set_yscale("log")
    ticks = [60, 80, 100, 150, 200, 300, 400, 500]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlim=(0, max(float(track.times_s[-1]), 0.1)), ylim=(LOWEST_HZ, HIGHEST_HZ))
    axes.set(xlabel="time (s)", ylabel="pitch (Hz)")
    axes.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.5)
    return figure


def draw_det(pack: Pack, *, size_in: tuple[float, float] = (5.4, 4.2)) -> "Figure":
    """The pack's own table as a DET curve: misses over false accepts, both on probit scales.

    One line for each amount of speech that was measured; the points are the measurements, and
    between them the lines are straight. Martin et al. (1997), "The DET curve in assessment of
    detection task performance".

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure(size_in)
    table, probit = pack.false_accepts, NormalDist().inv_cdf
    shades = _SHADES[-len(table.speech_s) :] or _SHADES
    for i, (speech_s, misses) in enumerate(zip(table.speech_s, table.misses, strict=True)):
        shade = shades[round(i * (len(shades) - 1) / max(1, len(table.speech_s) - 1))]
        points = [
            (probit(far), probit(min(max(miss, 1e-4), 0.999)))
            for far, miss in zip(table.far, misses, strict=True)
        ]
        axes.plot(
            *zip(*points, strict=True), marker="o", markersize=3.5, linewidth=1.5, color=shade,
            label=f"{speech_s:g} s",
        )  # fmt: skip
    for axis, name in ((axes.xaxis, "false accepts"), (axes.yaxis, "misses")):
        low, high = axis.get_view_interval()
        shown = [rate for rate in _RATES if low <= probit(rate) <= high]
        axis.set_ticks([probit(rate) for rate in shown], [f"{100 * rate:g} %" for rate in shown])
        axis.set_label_text(name)
    axes.grid(color=_INK, alpha=0.25, linewidth=0.5)
    legend = axes.legend(title="speech", frameon=False, fontsize=9, labelcolor=_INK)
    legend.get_title().set(color=_INK, fontsize=9)
    return figure


def draw_map(
    names: Sequence[str],
    places: Floats,
    *,
    marked: str | None = None,
    size_in: tuple[float, float] = (5.4, 4.2),
) -> "Figure":
    """Voices as points at places (n, 2), each with its name; `marked` is drawn in red.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure(size_in)
    colours = [_VOICE if name == marked else _SPEECH for name in names]
    axes.scatter(places[:, 0], places[:, 1], c=colours, s=46, alpha=0.9, linewidths=0)
    for name, (x, y) in zip(names, places, strict=True):
        shown = name if len(name) <= 24 else f"{name[:23]}…"
        axes.annotate(
            shown, (x, y), xytext=(6, 4), textcoords="offset points", color=_INK, fontsize=10,
            parse_math=False,
        )  # fmt: skip
    axes.margins(0.18)
    axes.set(xlabel="first principal component", ylabel="second principal component")
    axes.grid(color=_INK, alpha=0.25, linewidth=0.5)
    return figure


def _figure(size_in: tuple[float, float]) -> "tuple[Figure, Axes]":
    need("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=size_in, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.tick_params(colors=_INK, labelsize=9, length=3, width=0.6)
    axes.xaxis.label.set(color=_INK, fontsize=9)
    axes.yaxis.label.set(color=_INK, fontsize=9)
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    return figure, axes
