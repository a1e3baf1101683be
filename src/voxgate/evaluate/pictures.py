"""The pictures of a report, drawn with matplotlib in colours that a page can exchange.

Every colour is one of `COLOURS`, so that in an SVG each can stand for a variable of the page's
style, which is light or dark. Figures are small: they are read on a telephone too.
"""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxgate.evaluate.evaluation import Result, System
from voxgate.evaluate.metrics import Floats, bayes_error, error_rates
from voxgate.evaluate.summary import Figures
from voxgate.evaluate.trials import POOLED, Scores, pooled
from voxgate.evaluate.voice_map import Point
from voxgate.extras import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, GRID = "#0b0b0b", "#52514e", "#e1e0d9"
SERIES = (
    "#2a78d6", "#eb6834", "#1baf7a", "#4a3aa7", "#eda100", "#e87ba4", "#008300", "#e34948",
)  # fmt: skip
COLOURS = {INK: "ink", QUIET: "quiet", GRID: "grid"} | {c: f"s{i}" for i, c in enumerate(SERIES)}
MOST_SERIES = len(SERIES)

_SIZE_IN, _DPI = (4.5, 3.7), 200
_RATES = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4)  # ticks of a DET curve
_RANGE = (0.0007, 0.55)  # of a DET curve
_STEP = 0.01  # standard deviations between its points
_ODDS = np.linspace(-7, 7, 141)
_DASHED = (0, (3, 2))


class Picture(NamedTuple):
    """A figure with what to say of it."""

    name: str  # of the PNG
    title: str
    text: str  # what it shows, in a sentence or two
    figure: "Figure"


def pictures(systems: Sequence[System], results: Sequence[Result]) -> list[Picture]:
    """All that can be drawn of the systems, at most eight of them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    systems, results = systems[:MOST_SERIES], results[:MOST_SERIES]
    found = [_det(systems), _by_set(results)]
    calibrated = [system for system in systems if "llr" in system.scores[0].by_kind]
    found += [_histogram(system, i, len(systems)) for i, system in enumerate(systems[:4])]
    if calibrated:
        found.append(_bayes(calibrated, systems))
    if any(_SPEECH in result.conditions for result in results):
        found.append(_by_speech(results))
    found += [_map(r.name, r.points, i, len(results)) for i, r in enumerate(results) if r.points]
    return found


_SPEECH = "speech of the shorter side"


def svg(figure: "Figure") -> str:
    """The figure as an <svg> element whose colours are variables and whose text is text."""
    from matplotlib import rc_context  # noqa: PLC0415

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "voxgate"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)  # the same in every figure, and of no use
    for colour, name in COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return text


def png(figure: "Figure") -> bytes:
    """The figure as a PNG on white."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor="white")
    return buffer.getvalue()


def _axes(x: str, y: str) -> "tuple[Figure, Axes]":
    """An empty figure with quiet axes."""
    need("matplotlib", "evaluate")
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, color=QUIET, fontsize=8.5)
    axes.set_ylabel(y, color=QUIET, fontsize=8.5)
    return figure, axes


def _legend(axes: "Axes", where: Any = "best") -> None:
    axes.legend(loc=where, frameon=False, fontsize=7.5, labelcolor=QUIET, handlelength=1.6)


def _det(systems: Sequence[System]) -> Picture:
    figure, axes = _axes("false accepts %", "misses %")
    probit = NormalDist().inv_cdf
    axes.plot([probit(r) for r in _RANGE], [probit(r) for r in _RANGE], color=GRID, linewidth=1)
    for label, colour, width, scores in _curves(systems):
        axes.plot(*_det_curve(scores), color=colour, linewidth=width, label=label)
    ticks = [probit(rate) for rate in _RATES]
    labels = [f"{100 * rate:g}" for rate in _RATES]
    limits = probit(_RANGE[0]), probit(_RANGE[1])
    axes.set(xlim=limits, ylim=limits)
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    _legend(axes, "lower left")
    text = (
        "Misses against false accepts, for every threshold (both on a normal scale). Lower is "
        "better; the thin line is where both are equal. All lists are pooled"
        + (", and each is drawn by itself." if len(systems) == 1 else ".")
    )
    return Picture("det", "Detection error trade-off", text, figure)


def _curves(systems: Sequence[System]) -> Iterable[tuple[str, str, float, Scores]]:
    """Label, colour and width of each curve: the systems, or the lists of the only one."""
    if len(systems) > 1:
        for system, colour in zip(systems, SERIES, strict=False):
            yield system.name, colour, 1.8, pooled(system.scores)
        return
    for scores, colour in zip(systems[0].scores, SERIES, strict=False):
        yield scores.trials.name, colour, 1.2, scores
    yield POOLED, INK, 2.0, pooled(systems[0].scores)


def _det_curve(scores: Scores) -> tuple[Floats, Floats]:
    """False accepts and misses on a normal scale, thinned to what can be seen."""
    rates = error_rates(scores.deciding, scores.trials.target)
    inverse = np.vectorize(NormalDist().inv_cdf)
    x, y = (inverse(r.clip(1e-6, 1 - 1e-6)) for r in (rates.false_accept, rates.miss))
    steps = np.floor((np.abs(np.diff(x)) + np.abs(np.diff(y))).cumsum() / _STEP)
    kept = np.append(True, np.diff(np.append(-1, steps)) > 0)
    return x[kept], y[kept]


def _histogram(system: System, number: int, of: int) -> Picture:
    scores = pooled(system.scores)
    kind = {"llr": "LLR"}.get(scores.deciding_kind, scores.deciding_kind)
    figure, axes = _axes(kind, "density")
    values, target = scores.deciding, scores.trials.target
    low, high = np.percentile(values, [0.1, 99.9])
    if high - low < 1e-9:  # all alike
        low, high = low - 1, high + 1
    values, bins = values.clip(low, high), np.linspace(low, high, 61).tolist()
    for label, mask, colour in (
        ("different speakers", ~target, SERIES[1]),
        ("same speaker", target, SERIES[0]),
    ):
        axes.hist(
            values[mask], bins, density=True, color=colour, alpha=0.35, label=label,
        )  # fmt: skip
        axes.hist(values[mask], bins, density=True, histtype="step", color=colour, linewidth=1.4)
    text = "How the scores of both kinds of trials are spread; where they overlap there are errors."
    if system.thresholds:
        middle = float(np.median(np.concatenate(system.thresholds)))
        axes.axvline(middle, color=INK, linewidth=1.2, linestyle=_DASHED)
        axes.annotate(
            f" threshold {middle:.1f}", (middle, 0.98), xycoords=("data", "axes fraction"),
            color=INK, fontsize=8, va="top",
        )  # fmt: skip
        text += " The line is the median threshold for a false-accept rate of 1 %."
    axes.set_yticks([])
    axes.set_ylim(top=1.12 * axes.get_ylim()[1])
    axes.grid(visible=False, axis="y")
    _legend(axes, "upper left")
    title = "Scores" if of == 1 else f"Scores of {system.name}"
    return Picture(f"scores-{number + 1}", title, text, figure)


def _bayes(calibrated: Sequence[System], systems: Sequence[System]) -> Picture:
    figure, axes = _axes("prior log-odds of a true match", "normalised Bayes error")
    for system in calibrated:
        whole = pooled(system.scores)
        found = bayes_error(whole.deciding, whole.trials.target, _ODDS)
        colour = SERIES[systems.index(system)]
        axes.plot(_ODDS, found.actual, color=colour, linewidth=1.8, label=system.name)
        axes.plot(_ODDS, found.minimum, color=colour, linewidth=1.4, linestyle=_DASHED)
    axes.axhline(1, color=QUIET, linewidth=0.8)
    axes.annotate(
        "as bad as not listening", (0, 1), xytext=(0, 3), textcoords="offset points",
        color=QUIET, fontsize=7.5, ha="center",
    )  # fmt: skip
    axes.set(xlim=(-7, 7), ylim=(0, 1.4))
    for prior in (0.01, 0.5):
        odds = float(np.log(prior / (1 - prior)))
        axes.axvline(odds, color=GRID, linewidth=1.2)
        axes.annotate(
            f"prior {prior:g}", (odds, 1.39), xytext=(3, 0), textcoords="offset points",
            color=QUIET, fontsize=7.5, va="top",
        )  # fmt: skip
    if len(calibrated) > 1:
        _legend(axes, "lower right")
    text = (
        "How right the LLRs are for whom a true match is rare (left) or usual (right): solid, the "
        "error at the threshold that the LLR calls for; dashed, at the best one. The gap is lost "
        "to calibration; above 1 it would be better not to listen."
    )
    return Picture("calibration", "Calibration", text, figure)


def _by_speech(results: Sequence[Result]) -> Picture:
    figure, axes = _axes("speech of the shorter side", "EER %")
    kinds = [result.conditions.get(_SPEECH, {}) for result in results]
    names = list(dict.fromkeys(name for kind in kinds for name in kind))
    for i, (result, kind) in enumerate(zip(results, kinds, strict=True)):
        at = [(n, f) for n, name in enumerate(names) if (f := kind.get(name)) is not None]
        shift = _shift(i, len(results))
        _intervals(axes, [n + shift for n, _ in at], [f for _, f in at], SERIES[i], result.name)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(bottom=0)
    axes.grid(visible=False, axis="x")
    if len(results) > 1:
        _legend(axes)
    text = "More speech, fewer errors. Bars are 95 % intervals by speaker."
    return Picture("speech", "EER by speech", text, figure)


def _by_set(results: Sequence[Result]) -> Picture:
    figure, axes = _axes("EER %", "")
    names = list(results[0].figures)
    for i, result in enumerate(results):
        rows = [n + _shift(i, len(results)) for n in range(len(names))]
        figures = [result.figures[name] for name in names]
        _intervals(axes, rows, figures, SERIES[i], result.name, across=True)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    if len(results) > 1:
        _legend(axes)
    text = "Bars are 95 % intervals by speaker: with few speakers they are wide."
    return Picture("sets", "EER by set", text, figure)


def _shift(number: int, of: int) -> float:
    """Beside each other, where several systems are drawn at one place."""
    return (number - (of - 1) / 2) * 0.7 / max(of, 2)


def _intervals(  # noqa: PLR0913 - where, what, and how it looks
    axes: "Axes",
    places: Sequence[float],
    figures: Sequence[Figures],
    colour: str,
    label: str,
    *,
    across: bool = False,
) -> None:
    """A dot for each EER and a bar for its interval."""
    bar: Callable[..., object] = axes.hlines if across else axes.vlines
    for place, f in zip(places, figures, strict=True):
        if f.eer_95:
            bar(place, 100 * f.eer_95.low, 100 * f.eer_95.high, color=colour, linewidth=1.8)
    eers = [100 * f.eer for f in figures]
    x, y = (eers, places) if across else (places, eers)
    axes.plot(x, y, "o", color=colour, markersize=5.5, label=label)


def _map(name: str, points: Sequence[Point], number: int, of: int) -> Picture:
    figure, axes = _axes("", "")
    for point in points:
        axes.annotate(
            str(point.speaker), (point.x, point.y), color=SERIES[point.speaker % MOST_SERIES],
            fontsize=7.5, ha="center", va="center", fontweight="bold",
        )  # fmt: skip
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    text = (
        "Recordings of some speakers, each shown as the speaker's number: one heap for each number "
        "is best. Principal components to 50 dimensions, then t-SNE; near is alike, but how far "
        "apart two heaps lie says nothing."
    )
    title = "Map of voices" if of == 1 else f"Map of voices, {name}"
    return Picture(f"map-{number + 1}", title, text, figure)
