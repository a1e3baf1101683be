"""How strict to be: a slider, and what it means in strangers and refusals."""

import gradio as gr

from voxgate.errors import UncalibratedPackError
from voxgate.packs import Pack
from voxgate.scoring import FalseAcceptRate
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET

ENROLLED_S, PROBE_S = 20.0, 5.0  # of speech, before there is a recording
_DEFAULT = 2.0


def policy_of(strictness: float) -> FalseAcceptRate:
    """The policy of a place on the slider: the zeros of 1 in 100 are 2."""
    return FalseAcceptRate(10.0**-strictness)


def slider(desk: Desk, chosen: gr.State, *, elem_id: str, search: bool = False) -> gr.Slider:
    """The slider, and below it what to expect, which moves with it."""
    with gr.Group(elem_classes="vg-policy"):
        strict = gr.Slider(
            1, 5, _DEFAULT, step=0.25, label=strings.STRICTNESS, info=strings.STRICTNESS_INFO,
            elem_id=elem_id, buttons=[],
        )  # fmt: skip
        pack = desk.verifier(desk.packs[0]).pack
        meaning = gr.HTML(
            expectation(pack, _DEFAULT, search=search), elem_id=f"{elem_id}-meaning", padding=True
        )

    def tell(pack_id: str, strictness: float) -> str:
        return expectation(desk.verifier(pack_id).pack, strictness, search=search)

    for event in (strict.change, chosen.change):
        event(
            tell, [chosen, strict], meaning, trigger_mode="always_last", **QUIET
        )  # fmt: skip
    return strict


def expectation(pack: Pack, strictness: float, *, search: bool = False) -> str:
    """What the policy means for the right voice and for strangers, from the pack's own table."""
    try:
        policy, table = policy_of(strictness), pack.false_accepts
    except UncalibratedPackError as error:
        return fragments.note(str(error), "bad")
    threshold = policy.threshold(table, ENROLLED_S, PROBE_S)
    misses = fragments.percent(table.miss_rate(threshold.llr, ENROLLED_S, PROBE_S))
    beyond = threshold.extrapolated and policy.far < min(table.far)
    words = strings.EXPECT.format(
        strangers=f"{1 / policy.far:,.0f}",
        misses=(strings.AT_LEAST if beyond else strings.ABOUT).format(rate=misses),
        enrolled=f"{ENROLLED_S:g} s",
        probe=f"{PROBE_S:g} s",
        pack=fragments.text(pack.label),
    )
    if threshold.extrapolated:
        words += f" {strings.EXPECT_EXTRAPOLATED}"
    if search:
        words += f" {strings.EXPECT_SEARCH}"
    return f'<p class="vg-meaning">{words}</p>'
