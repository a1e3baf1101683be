"""The page that enrols a voice."""

from collections.abc import Sequence
from typing import Any, cast

import gradio as gr

from voxgate.enrolment import GOOD_ENROLMENT_S, Contribution
from voxgate.errors import EnrolmentError, UsageError
from voxgate.store import Mode
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET, guarded, press, status
from voxgate.ui.recorder import Received, paths, received, recorder

_MODES = [
    (strings.ENROL_MODE_NEW, "new"),
    (strings.ENROL_MODE_ADD, "add"),
    (strings.ENROL_MODE_REPLACE, "replace"),
]


def build(desk: Desk, chosen: gr.State) -> None:
    """Lay the page out and wire it."""
    gr.HTML(f'<p class="vg-intro">{strings.ENROL_INTRO}</p>')
    given = gr.State([])
    name = gr.Textbox(
        label=strings.ENROL_NAME, info=strings.ENROL_NAME_INFO, max_lines=1, elem_id="enrol-name"
    )
    sound = recorder(
        strings.ENROL_RECORDINGS, desk.takes, elem_id="enrol-recorder", many=True, guided=True,
        wanted_s=GOOD_ENROLMENT_S,
    )  # fmt: skip
    so_far = status("enrol-so-far")
    mode = gr.Radio(_MODES, value="new", label=strings.ENROL_MODE, elem_id="enrol-mode")
    consent = gr.Checkbox(
        label=strings.ENROL_CONSENT, info=strings.ENROL_CONSENT_INFO, elem_id="enrol-consent"
    )
    with gr.Row():
        button = gr.Button(strings.ENROL_DO, variant="primary", elem_id="enrol-do")
        clear = gr.Button(strings.ENROL_CLEAR, elem_id="enrol-clear")
    answer = status("enrol-answer")

    def add(pack: str, value: Any, before: Sequence[Received]) -> dict[Any, Any]:
        together = [*before, *received(value)]
        return {given: together, so_far: _assessed(desk, pack, together), answer: ""}

    def forget() -> dict[Any, Any]:
        return {given: [], so_far: "", answer: "", sound: None}

    def enrol(
        pack: str, who: str, agreed: bool, how: str, recordings: Sequence[Received]
    ) -> dict[Any, Any]:
        if not recordings:
            raise UsageError(strings.MISSING_RECORDING.format(what=strings.ENROL_RECORDINGS))
        if not agreed:
            raise UsageError(strings.ENROL_NO_CONSENT)
        done = desk.verifier(pack).enrol(
            who, paths(recordings), mode=cast(Mode, how), consent=strings.ENROL_CONSENT
        )
        shown = fragments.verdict(done.sentence(), accepted=True)
        shown += _contributions(done.contributions) + fragments.warnings(done.warnings)
        return {answer: shown, given: [], so_far: "", consent: False}

    sound.upload(
        guarded(add, so_far), [chosen, sound, given], [given, so_far, answer],
        **QUIET,
    )  # fmt: skip
    clear.click(forget, [], [given, so_far, answer, sound], **QUIET)
    asked = [chosen, name, consent, mode, given]
    press(button, enrol, asked, [answer, given, so_far, consent])


def _assessed(desk: Desk, pack: str, recordings: Sequence[Received]) -> str:
    """What each recording so far would bring, or why they cannot be enrolled together."""
    try:
        contributions = desk.verifier(pack).assess(paths(recordings))
    except EnrolmentError as error:
        return fragments.note(strings.ENROL_NOT_YET.format(reason=error), "bad")
    used = [given for given in contributions if given.used]
    speech_s = sum(given.speech_s for given in used)
    share = min(1.0, speech_s / GOOD_ENROLMENT_S)
    total = strings.ENROL_TOTAL.format(
        speech=fragments.seconds(speech_s), wanted=fragments.seconds(GOOD_ENROLMENT_S)
    )
    doubts = [warning for given in used if given.quality for warning in given.quality.warnings]
    return (
        f'<div class="vg-total"><div class="vg-ring vg-small" style="--share:{share:.2f}">'
        f'<div class="vg-ring-inner"></div></div><p>{fragments.text(total)}</p></div>'
        + _contributions(contributions)
        + fragments.warnings(doubts)
    )


def _contributions(contributions: Sequence[Contribution]) -> str:
    headers = (
        strings.HEAD_RECORDING, strings.HEAD_VERDICT, strings.HEAD_SPEECH, strings.HEAD_AGREEMENT,
        strings.HEAD_SHARE, strings.HEAD_LENGTH, strings.HEAD_SNR, strings.HEAD_LEVEL,
        strings.HEAD_BANDWIDTH,
    )  # fmt: skip
    return fragments.table(strings.ENROL_SO_FAR, headers, [_row(given) for given in contributions])


def _row(given: Contribution) -> tuple[str, ...]:
    nothing = fragments.NOTHING
    return (
        given.name,
        ("✓ " if given.used else "✗ ") + strings.CONTRIBUTION_OUTCOMES[given.outcome],
        fragments.seconds(given.speech_s) if given.speech_s else nothing,
        nothing if given.agreement is None else f"{given.agreement:.2f}",
        f"{100 * given.weight:.0f} %" if given.used else nothing,
        *(fragments.qualities(given.quality) if given.quality else (nothing,) * 4),
    )
