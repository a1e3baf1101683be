"""The page that draws a voice."""

from typing import Any

import gradio as gr

from voxgate.ui import pictures, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import press, status
from voxgate.ui.recorder import only, recorder


def build(desk: Desk) -> None:
    """Lay the page out and wire it."""
    gr.HTML(f'<p class="vg-intro">{strings.LOOK_INTRO}</p>')
    recording = recorder(strings.LOOK_RECORDING, desk.takes, elem_id="look-recording")
    button = gr.Button(strings.LOOK_DO, variant="primary", elem_id="look-do")
    answer = status("look-answer")

    def look(value: Any) -> dict[Any, Any]:
        return {answer: pictures.all_of(only(value, strings.LOOK_RECORDING).path)}

    press(button, look, [recording], [answer])
