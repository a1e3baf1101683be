import numpy as np

from voxgate.evaluate.conditions import Heard, conditions
from voxgate.evaluate.recordings import About
from voxgate.evaluate.trials import Trials, pooled_trials

ONE = Trials("one", np.array([True, True, False, False]), ("a1",) * 4, ("a2", "a3", "b1", "c1"))
TWO = Trials("two", np.array([True, False]), ("d1", "d1"), ("d2", "b1"))
LISTS = [ONE, TWO]
ABOUT = {
    "a1": About("a", "monday", "en", "f", "teens"),
    "a2": About("a", "monday", "en", "f", "teens"),
    "a3": About("a", "tuesday", "en", "f"),
    "b1": About("b", "monday", "en", "m", "teens"),
    "c1": About("c", "monday", "de", "f"),
    "d1": About("d", "", "de", "m", "fifties"),
    "d2": About("d", "", "de", "m", "fifties"),
}


def sorted_out(about=ABOUT, heard=None):
    found = conditions(LISTS, pooled_trials(LISTS), about, heard)
    return {
        kind: {name: np.flatnonzero(mask).tolist() for name, mask in masks.items()}
        for kind, masks in found.items()
    }


def test_the_set_is_the_list():
    assert sorted_out()["set"] == {"one": [0, 1, 2, 3], "two": [4, 5]}


def test_the_shorter_and_the_noisier_side_count():
    heard = {name: Heard(3.0, 25.0) for name in ABOUT}
    heard["a2"] = Heard(0.5, np.nan)
    heard["b1"] = Heard(9.0, 5.0)
    heard["c1"] = Heard(1.0, 30.0)
    found = sorted_out(heard=heard)
    assert found["speech of the shorter side"] == {
        "below 1 s": [0], "1 to 2 s": [3], "2 to 4 s": [1, 2, 4, 5],
    }  # fmt: skip
    assert found["SNR of the noisier side"] == {
        "below 10 dB": [2, 5], "20 to 30 dB": [1, 3, 4],
    }  # fmt: skip


def test_what_concerns_strangers_alone_has_all_true_matches():
    found = sorted_out()
    assert found["language"] == {
        "same language": [0, 1, 2, 4],
        "strangers of another language": [0, 1, 3, 4, 5],
        "en": [0, 1, 2],
        "de": [4],
    }
    assert found["sex"] == {
        "female": [0, 1, 3],
        "male": [4, 5],
        "strangers of another sex": [0, 1, 2, 4],
    }


def test_an_age_is_that_of_whom_the_probe_is_compared_with():
    assert sorted_out()["age"] == {"fifties": [4, 5], "teens": [0, 2]}


def test_sessions_concern_true_matches_against_the_strangers_of_their_lists():
    assert sorted_out()["session"] == {
        "speaker in one session": [0, 2, 3],
        "speaker across sessions": [1, 2, 3],
    }


def test_nothing_known_is_no_condition():
    assert set(sorted_out({name: About(name[0]) for name in ABOUT})) == {"set"}
