"""The page that verifies a claim, or asks whose voice it is; also while one speaks."""

from typing import Any

import gradio as gr

from voxgate.audio import Source
from voxgate.errors import UsageError
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET, guarded, press, status
from voxgate.ui.policy import policy_of, slider
from voxgate.ui.recorder import only, recorder

_CLAIM, _WHO = "claim", "who"
_LEAST_LIVE_S = 1.0  # of sound, before there is a first answer


def build(desk: Desk, chosen: gr.State, tab: gr.Tab) -> None:
    """Lay the page out and wire it; the names are read whenever the tab is opened."""
    gr.HTML(f'<p class="vg-intro">{strings.VERIFY_INTRO}</p>')
    task = gr.Radio(
        [(strings.VERIFY_CLAIM, _CLAIM), (strings.VERIFY_WHO, _WHO)], value=_CLAIM,
        label=strings.VERIFY_TASK, elem_id="verify-task",
    )  # fmt: skip
    name = gr.Dropdown(
        [], label=strings.VERIFY_NAME, info=strings.VERIFY_NAME_INFO, value=None,
        allow_custom_value=True, elem_id="verify-name",
    )  # fmt: skip
    sound = recorder(strings.VERIFY_PROBE, desk.takes, elem_id="verify-probe")
    gr.HTML(f'<p class="vg-hint">{strings.VERIFY_LIVE_INFO}</p>')
    strict = slider(desk, chosen, elem_id="verify-strict", search=True)
    button = gr.Button(strings.VERIFY_DO, variant="primary", elem_id="verify-do")
    answer = status("verify-answer")

    def decide(pack: str, what: str, who: str | None, strictness: float, probe: Source) -> str:
        verifier, policy = desk.verifier(pack), policy_of(strictness)
        if what == _WHO:
            return fragments.identification(verifier.identify(probe, policy=policy))
        if not who:
            raise UsageError(strings.VERIFY_NO_NAME)
        return fragments.decision(verifier.verify(who, probe, policy=policy))

    def verify(
        pack: str, what: str, who: str | None, strictness: float, value: Any
    ) -> dict[Any, Any]:
        probe = only(value, strings.VERIFY_PROBE).path
        return {answer: decide(pack, what, who, strictness, probe)}

    def follow(
        pack: str, what: str, who: str | None, strictness: float, event: gr.EventData
    ) -> dict[Any, Any]:
        heard = desk.takes.waveform(str(event.take))
        if heard is None or len(heard) < _LEAST_LIVE_S * 16_000:
            return {answer: gr.skip()}
        return {answer: decide(pack, what, who, strictness, heard)}

    asked = [chosen, task, name, strict]
    press(button, verify, [*asked, sound], [answer])
    sound.upload(guarded(verify, answer), [*asked, sound], [answer], **QUIET)
    sound.heard(
        guarded(follow, answer), asked, [answer], trigger_mode="once",
        **QUIET,
    )  # fmt: skip
    task.change(lambda what: gr.Dropdown(visible=what == _CLAIM), [task], [name], **QUIET)
    tab.select(
        lambda pack: gr.Dropdown(choices=desk.names(pack)), [chosen], [name],
        **QUIET,
    )  # fmt: skip
