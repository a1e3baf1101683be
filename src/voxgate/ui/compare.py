"""The page that compares two recordings."""

from typing import Any

import gradio as gr

from voxgate.ui import fragments, pictures, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import drawing, press, status
from voxgate.ui.policy import policy_of, slider
from voxgate.ui.recorder import only, recorder


def build(desk: Desk, chosen: gr.State) -> None:
    """Lay the page out and wire it."""
    gr.HTML(f'<p class="vg-intro">{strings.COMPARE_INTRO}</p>')
    with gr.Row(equal_height=True):
        first = recorder(strings.COMPARE_A, desk.takes, elem_id="compare-a")
        second = recorder(strings.COMPARE_B, desk.takes, elem_id="compare-b")
    strict = slider(desk, chosen, elem_id="compare-strict")
    button = gr.Button(strings.COMPARE_DO, variant="primary", elem_id="compare-do")
    answer = status("compare-answer")
    shown = drawing("compare-pictures")

    def compare(pack: str, a: Any, b: Any, strictness: float) -> dict[Any, Any]:
        one, other = only(a, strings.COMPARE_A), only(b, strings.COMPARE_B)
        verifier = desk.verifier(pack)
        found = verifier.compare(one.path, other.path, policy=policy_of(strictness))
        drawn = [pictures.spectrogram(sound.path, "mel") for sound in (one, other)]
        return {answer: fragments.decision(found), shown: fragments.gallery(drawn)}

    press(button, compare, [chosen, first, second, strict], [answer, shown], clears=[shown])
