"""Errors become sentences, whatever they are."""

import logging

from voxgate.errors import UsageError
from voxgate.ui.edge import guarded

told, shown = "told", "shown"  # stand for components


def test_an_error_of_voxgate_is_its_own_sentence_and_old_pictures_go():
    def handler():
        raise UsageError("Give a <recording>.")

    found = guarded(handler, told, [shown])()
    assert "Give a &lt;recording&gt;." in found[told]
    assert found[shown] == ""


def test_a_bug_is_a_sentence_without_its_words_and_the_log_has_them(caplog):
    def handler():
        raise RuntimeError("the secret is /etc/secret")

    with caplog.at_level(logging.ERROR):
        found = guarded(handler, told)()
    assert "Something unexpected went wrong" in found[told]
    assert "secret" not in found[told]
    assert "Traceback" not in found[told]
    assert "the secret is /etc/secret" in caplog.text


def test_what_goes_well_stays_as_it_is():
    assert guarded(lambda word: {told: word}, told)("good") == {told: "good"}
