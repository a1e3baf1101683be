"""What a policy means, from the pack's own table."""

from dataclasses import replace

import pytest
import tiny_pack

from voxgate.packs import load_pack
from voxgate.ui.policy import expectation, policy_of


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny"))


@pytest.mark.parametrize(("strictness", "far"), [(1, 0.1), (2, 0.01), (3.5, 10**-3.5)])
def test_the_slider_counts_the_zeros(strictness, far):
    assert policy_of(strictness).far == pytest.approx(far)


def test_the_misses_are_those_of_the_table_for_that_much_speech(pack):
    # 20 s against 5 s is 8 s effectively: the row of 4 s, where far 0.01 misses 0.02
    words = expectation(pack, 2)
    assert "<b>1 stranger in 100</b>" in words
    assert "<b>about 2 %</b>" in words
    assert "careful guess" not in words


def test_beyond_what_was_measured_it_says_so(pack):
    words = expectation(pack, 5)
    assert "<b>at least 5 %</b>" in words
    assert "careful guess" in words


def test_in_a_search_the_rate_is_that_of_the_search(pack):
    assert "whole search" in expectation(pack, 2, search=True)
    assert "whole search" not in expectation(pack, 2)


def test_a_pack_that_cannot_decide_says_so(pack):
    words = expectation(replace(pack, decider=None), 2)
    assert "not calibrated" in words
    assert "strangers" not in words
