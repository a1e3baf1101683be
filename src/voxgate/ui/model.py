"""The page about the models: choose one, its card and error rates, two side by side."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import gradio as gr

from voxgate import drawings
from voxgate.decision import Decision
from voxgate.errors import UncalibratedPackError, UsageError
from voxgate.packs import Pack
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET, guarded, press, status
from voxgate.ui.recorder import Received, gathered, paths, recorder

_MOST_RECORDINGS = 8


def build(desk: Desk, chosen: gr.State, tab: gr.Tab) -> None:
    """Lay the page out and wire it."""
    first = desk.packs[0]
    gr.HTML(f'<p class="vg-intro">{strings.MODEL_INTRO}</p>')
    pack = gr.Dropdown(
        desk.packs, value=first, label=strings.MODEL_CHOOSE, info=strings.MODEL_CHOOSE_INFO,
        elem_id="model-pack",
    )  # fmt: skip
    card = status("model-card")
    _build_comparison(desk)

    def choose(wanted: str) -> dict[Any, Any]:
        return {chosen: wanted, card: card_of(desk.verifier(wanted).pack)}

    for event in (pack.change, tab.select):
        event(
            guarded(choose, card), [pack], [chosen, card], **QUIET,
        )  # fmt: skip


def _build_comparison(desk: Desk) -> None:
    gr.HTML(f'<h3 class="vg-heading">{strings.MODEL_COMPARE}</h3>')
    if len(desk.packs) == 1:
        gr.HTML(fragments.note(strings.MODEL_ONLY_ONE))
    given = gr.State([])
    with gr.Row():
        one = gr.Dropdown(desk.packs, value=desk.packs[0], label=strings.MODEL_FIRST, min_width=260)
        other = gr.Dropdown(
            desk.packs, value=desk.packs[-1], label=strings.MODEL_SECOND, min_width=260
        )
    sound = recorder(strings.MODEL_RECORDINGS, desk.takes, elem_id="model-recordings", many=True)
    count = status("model-count")
    with gr.Row():
        button = gr.Button(strings.MODEL_COMPARE_DO, variant="primary", elem_id="model-do")
        clear = gr.Button(strings.ENROL_CLEAR, elem_id="model-clear")
    answer = status("model-answer")

    def add(value: Any, before: Sequence[Received]) -> dict[Any, Any]:
        together = gathered(value, before)
        told = strings.SIMILAR_COUNT.format(count=fragments.recordings(len(together)))
        return {given: together, count: fragments.note(told)}

    def compare(a: str, b: str, recordings: Sequence[Received]) -> dict[Any, Any]:
        if not 2 <= len(recordings) <= _MOST_RECORDINGS:
            raise UsageError(strings.MODEL_TOO_MANY.format(count=len(recordings)))
        sources = paths(recordings)
        found = [desk.verifier(pack).compare_all(sources) for pack in (a, b)]
        names = combinations([recording.name for recording in recordings], 2)
        rows = [
            (f"{left} · {right}", _cell(by_a), _cell(by_b))
            for (left, right), by_a, by_b in zip(names, *found, strict=True)
        ]
        headers = (strings.HEAD_PAIR, a, b)
        return {answer: fragments.table(strings.MODEL_COMPARE_TABLE, headers, rows)}

    sound.upload(guarded(add, count), [sound, given], [given, count], **QUIET)
    press(button, compare, [one, other, given], [answer])
    clear.click(lambda: ([], "", "", None), [], [given, count, answer, sound], **QUIET)


def _cell(decision: Decision) -> str:
    if decision.llr is None:
        return strings.CONTRIBUTION_OUTCOMES["too_little_speech"]
    return f"{'✓' if decision.accepted else '✗'} {decision.llr:.1f}"


def card_of(pack: Pack) -> str:
    """All that the pack says of itself."""
    names = strings.MODEL_FACTS
    speech, rates = _speech_and_rates(pack)
    rows = [
        (names["description"], pack.description),
        (names["license"], pack.license),
        (names["training_data"], ", ".join(pack.training_data)),
        (
            names["embedding"],
            strings.MODEL_EMBEDDING.format(dim=pack.dim, rate=f"{pack.sample_rate_hz:,}"),
        ),
        (names["speech"], speech),
    ]
    card = fragments.facts(strings.MODEL_CARD.format(pack=pack.label), rows)
    return card + rates + _metrics(pack)


def _speech_and_rates(pack: Pack) -> tuple[str, str]:
    """How much speech it needs, and how often it is wrong; or that it does not decide."""
    least = f"{pack.min_speech_s:g}"
    try:
        best = f"{pack.calibration.speech_s[1]:g}"
    except UncalibratedPackError as error:
        return strings.MODEL_LEAST.format(least=least), fragments.note(str(error), "bad")
    return strings.MODEL_SPEECH.format(least=least, best=best), _det(pack) + _misses(pack)


def _det(pack: Pack) -> str:
    pairs = pack.false_accepts.pairs
    rests_on = strings.MODEL_DET_NOTE.format(
        pairs=f"{min(p[0] for p in pairs):,.0f}", strangers=f"{min(p[1] for p in pairs):,.0f}"
    )
    drawn = fragments.picture(
        drawings.png(drawings.draw_det(pack)),
        alt=strings.MODEL_DET_ALT.format(pack=pack.label),
        caption=strings.MODEL_DET,
        file_name=f"{pack.name}-det.png",
    )
    return drawn + fragments.note(rests_on)


def _misses(pack: Pack) -> str:
    rates = pack.false_accepts
    headers = (strings.HEAD_SPEECH, *[fragments.percent(far) for far in rates.far])
    rows = [
        (fragments.seconds(speech_s), *[fragments.percent(miss) for miss in misses])
        for speech_s, misses in zip(rates.speech_s, rates.misses, strict=True)
    ]
    return fragments.table(strings.MODEL_MISSES, headers, rows)


def _metrics(pack: Pack) -> str:
    known = {name for values in pack.metrics.values() for name in values}
    names = [name for name in strings.MODEL_METRIC_NAMES if name in known]
    if not names:
        return ""
    headers = (strings.MODEL_METRIC_SET, *[strings.MODEL_METRIC_NAMES[name] for name in names])
    rows = [
        (of_set, *[_metric(values.get(name)) for name in names])
        for of_set, values in pack.metrics.items()
    ]
    return fragments.table(strings.MODEL_METRICS, headers, rows)


def _metric(value: float | None) -> str:
    if value is None:
        return fragments.NOTHING
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
