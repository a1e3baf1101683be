"""Pieces of HTML: what they say, and that nothing from outside becomes HTML."""

import re

import pytest

from voxgate.decision import Decision, Outcome, Side
from voxgate.quality import Quality, QualityWarning
from voxgate.scoring import FalseAcceptRate, StrangerRate
from voxgate.ui import fragments

EVIL = "<img src=x onerror=alert(1)> \"'&"


def side(name: str, speech_s: float = 3.0, *warnings: QualityWarning) -> Side:
    return Side(name, speech_s, 0.25, Quality(4.0, speech_s, 30.0, 0.0, 8000.0, -20.0, warnings))


def decide(**facts: object) -> Decision:
    usual = {
        "outcome": Outcome.ACCEPT, "enrolled": side("a.wav"), "probe": side("b.wav"),
        "policy": FalseAcceptRate(0.01), "pack": "tiny@1", "llr": 5.0, "threshold": 2.0,
        "score": 3.0, "cosine": 0.8, "stranger_rate": StrangerRate(0.0005, "about"),
    }  # fmt: skip
    return Decision(**{**usual, **facts})


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


def test_a_decision_is_told_in_words_a_person_understands():
    shown = words_of(fragments.decision(decide()))
    assert "Same voice" in shown
    assert "about 1 in 2,000 strangers would score this high" in shown
    assert "LLR 5.0" in shown
    assert "threshold 2.0" in shown


def test_an_accepted_decision_is_green_and_a_rejected_one_is_not():
    assert 'class="vg-verdict vg-good"' in fragments.decision(decide())
    rejected = fragments.decision(decide(outcome=Outcome.REJECT, llr=1.0))
    assert 'class="vg-verdict vg-bad"' in rejected


def test_too_little_speech_is_no_answer_and_has_no_gauge():
    short = Side("a.wav", 0.1, 0.25)
    nothing = {"llr": None, "threshold": None, "stranger_rate": None}
    shown = fragments.decision(decide(outcome=Outcome.NOT_ENOUGH_SPEECH, enrolled=short, **nothing))
    assert "vg-unsure" in shown
    assert "vg-gauge" not in shown
    assert "at least 0.25 s is needed" in shown


def test_warnings_say_what_to_do_about_them():
    noisy = QualityWarning("noisy", "It is noisy. Record closer to the microphone.")
    assert "b.wav: It is noisy. Record closer" in fragments.decision(
        decide(probe=side("b.wav", 3.0, noisy))
    )


@pytest.mark.parametrize(
    ("llr", "threshold", "needle", "limit"),
    [(2.5, 2.5, "50.0%", "50.0%"), (-99, 0, "0.0%", "40.0%"), (99, 15, "100.0%", "100.0%")],
)
def test_the_gauge_spans_minus_ten_to_fifteen(llr, threshold, needle, limit):
    shown = fragments.gauge(llr, threshold)
    assert f'vg-needle" style="--at:{needle}"' in shown
    assert f'vg-limit" style="--at:{limit}"' in shown


def test_the_gauge_can_be_heard():
    assert 'aria-label="LLR 5.0, threshold 2.0: above the threshold"' in fragments.gauge(5, 2)
    assert "below the threshold" in fragments.gauge(1.99, 2)


@pytest.mark.parametrize(
    "shown",
    [
        fragments.decision(decide(enrolled=side(EVIL), speaker=EVIL)),
        fragments.table(EVIL, [EVIL], [[EVIL, EVIL]]),
        fragments.note(EVIL, "bad"),
        fragments.facts(EVIL, [(EVIL, EVIL)]),
        fragments.picture(b"x", alt=EVIL, caption=EVIL, file_name=EVIL),
        fragments.verdict(EVIL, accepted=True),
        fragments.warnings([QualityWarning("x", EVIL)]),
    ],
    ids=["decision", "table", "note", "facts", "picture", "verdict", "warnings"],
)
def test_nothing_from_outside_becomes_html(shown):
    assert "<img src=x" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt; &quot;&#x27;&amp;" in shown


def test_a_table_names_its_rows_and_columns_for_those_who_hear_it():
    shown = fragments.table("Voices", ["speaker", "speech"], [["ada", "3 s"]])
    assert "<caption><span>Voices</span></caption>" in shown
    assert '<th scope="col">speech</th>' in shown
    assert '<th scope="row">ada</th><td>3 s</td>' in shown


@pytest.mark.parametrize(
    ("rate", "words"), [(0.04, "4 %"), (0.123, "12 %"), (0.0003, "0.03 %"), (1.0, "100 %")]
)
def test_a_rate_has_two_figures_at_most(rate, words):
    assert fragments.percent(rate) == words
