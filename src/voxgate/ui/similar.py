"""The page that ranks recordings by how much they sound like one."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import gradio as gr

from voxgate.decision import Ranking
from voxgate.errors import UsageError
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET, guarded, press, status
from voxgate.ui.recorder import Received, gathered, only, paths, recorder


def build(desk: Desk, chosen: gr.State) -> None:
    """Lay the page out and wire it."""
    gr.HTML(f'<p class="vg-intro">{strings.SIMILAR_INTRO}</p>')
    given = gr.State([])
    with gr.Row(equal_height=True):
        probe = recorder(strings.SIMILAR_PROBE, desk.takes, elem_id="similar-probe")
        references = recorder(
            strings.SIMILAR_REFERENCES, desk.takes, elem_id="similar-references", many=True
        )
    count = status("similar-count")
    with gr.Row():
        button = gr.Button(strings.SIMILAR_DO, variant="primary", elem_id="similar-do")
        clear = gr.Button(strings.SIMILAR_CLEAR, elem_id="similar-clear")
    answer = status("similar-answer")

    def add(value: Any, before: Sequence[Received]) -> dict[Any, Any]:
        together = gathered(value, before)
        told = strings.SIMILAR_COUNT.format(count=fragments.recordings(len(together)))
        return {given: together, count: fragments.note(told)}

    def rank(pack: str, value: Any, recordings: Sequence[Received]) -> dict[Any, Any]:
        sought = only(value, strings.SIMILAR_PROBE)
        if not recordings:
            raise UsageError(strings.SIMILAR_NONE)
        ranking = desk.verifier(pack).closest(sought.path, paths(recordings))
        return {answer: _ranked(ranking, sought, {one.path: one.name for one in recordings})}

    references.upload(guarded(add, count), [references, given], [given, count], **QUIET)
    press(button, rank, [chosen, probe, given], [answer])
    clear.click(
        lambda: ([], "", "", None), [], [given, count, answer, references],
        **QUIET,
    )  # fmt: skip


def _ranked(ranking: Ranking, sought: Received, names: Mapping[str, str]) -> str:
    """The ranking, each recording playable beside the probe."""
    rows = [
        (
            f"{place}. {fragments.text(names[match.name])}",
            _player(match.name, names[match.name]),
            f"{match.cosine:.2f}",
            f"{match.llr:.1f}",
            fragments.seconds(match.speech_s),
        )
        for place, match in enumerate(ranking.matches, start=1)
    ]
    headers = (
        strings.HEAD_RECORDING, strings.SIMILAR_LISTEN, strings.HEAD_SIMILARITY, strings.HEAD_LLR,
        strings.HEAD_SPEECH,
    )  # fmt: skip
    shown = ""
    if ranking.matches:
        best = strings.SIMILAR_BEST.format(name=names[ranking.matches[0].name])
        shown += fragments.verdict(best, accepted=True)
        yours = fragments.text(f"{strings.SIMILAR_YOURS}: {sought.name}")
        shown += f'<p class="vg-beside">{yours} {_player(sought.path, sought.name)}</p>'
        shown += fragments.table_of_html(strings.SIMILAR_TABLE, headers, rows)
    for failure in ranking.failures:
        shown += fragments.note(f"{strings.SIMILAR_FAILED}: {failure.error}", "bad")
    return shown + fragments.warnings(ranking.probe.warnings)


def _player(path: str, name: str) -> str:
    """The recording as the browser can fetch it again from the uploads."""
    label = fragments.text(strings.SIMILAR_PLAY.format(name=name))
    source = fragments.text(f"gradio_api/file={quote(path)}")
    return f'<audio controls preload="none" src="{source}" aria-label="{label}"></audio>'
