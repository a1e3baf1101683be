"""The card of a model."""

from dataclasses import replace

import pytest
import tiny_pack

from voxgate.packs import load_pack
from voxgate.ui.model import card_of


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny"))


def test_a_card_says_what_the_pack_says_and_on_what_the_curve_rests(pack):
    card = card_of(pack)
    assert "Card of tiny@1" in card
    assert "Apache-2.0" in card
    assert "0.5 s or more; better with 8 s" in card
    assert "at least 1,000 pairs of recordings of one person and 10,000 of different people" in card
    assert 'alt="DET curve of tiny@1' in card
    assert '<th scope="row">4.0 s</th><td>1 %</td><td>2 %</td><td>5 %</td>' in card


def test_a_pack_that_cannot_decide_has_a_card_without_error_rates(pack):
    card = card_of(replace(pack, decider=None))
    assert "not calibrated" in card
    assert "Apache-2.0" in card
    assert "<img" not in card
