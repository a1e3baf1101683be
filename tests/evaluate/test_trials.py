import numpy as np
import pytest

from voxgate.errors import EvaluationError, ScoringError
from voxgate.evaluate.trials import find_trials, pooled, read_scores, read_trials


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "list.trials"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    "text",
    ["1 a/x a/y\n0 a/x b/z\n", "a/x a/y target\na/x b/z nontarget\n", "1 a/x a/y\n\n0 a/x b/z"],
)
def test_the_formats_of_voxceleb_and_kaldi_say_the_same(written, text):
    trials = read_trials(written(text))
    assert trials.name == "list"
    assert trials.target.tolist() == [True, False]
    assert (trials.enrolled, trials.probe) == (("a/x", "a/x"), ("a/y", "b/z"))
    assert trials.recordings() == {"a/x", "a/y", "b/z"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no trial"),
        ("1 a\n", "line 1 is '1 a'"),
        ("1 a b\n2 a b\n", "line 2 is '2 a b'"),
        ("a b target\n1 a b\n", "line 2 is '1 a b'"),
        ("1 a b\na b target\n", "line 2 is 'a b target'"),
    ],
)
def test_another_line_is_refused(written, text, message):
    with pytest.raises(ScoringError, match=message):
        read_trials(written(text))


def test_lists_are_found_in_folders_and_by_name(written, tmp_path):
    one, two = written("1 a b\n", "one.trials"), written("0 a c\n", "two.txt")
    written("not a list", "readme.md")
    assert [t.name for t in find_trials([tmp_path, two])] == ["one", "two"]
    with pytest.raises(EvaluationError, match="Two lists of trials are named 'one'"):
        find_trials([one, tmp_path])
    with pytest.raises(EvaluationError, match="no file"):
        find_trials([tmp_path / "none.trials"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match=r"no file \*.trials"):
        find_trials([tmp_path / "empty"])


def test_scores_from_outside_are_found_by_their_trial(written):
    trials = read_trials(written("1 a b\n0 a c\n"))
    path = written("a c -2e0\nx y 9\na b 1.5\n", "scores.txt")
    (scores,) = read_scores(path, [trials])
    assert scores.deciding.tolist() == [1.5, -2.0]
    (scores,) = read_scores(path, [trials], kind="llr")
    assert scores.llr.tolist() == [1.5, -2.0]


def test_a_trial_without_a_score_is_an_error(written):
    trials = read_trials(written("1 a b\n0 a c\n0 a d\n"))
    with pytest.raises(ScoringError, match="no score for 2 of the 3 trials of list, such"):
        read_scores(written("a b 1\n", "scores.txt"), [trials])
    with pytest.raises(ScoringError, match="line 2 is 'a c high'"):
        read_scores(written("a b 1\na c high\n", "scores.txt"), [trials])


def test_lists_are_pooled_in_order(written):
    one = read_trials(written("1 a b\n0 a c\n", "one.trials"))
    two = read_trials(written("0 d e\n", "two.trials"))
    path = written("a b 1\na c 2\nd e 3\n", "scores.txt")
    whole = pooled(read_scores(path, [one, two]))
    assert whole.trials.name == "pooled"
    assert whole.trials.probe == ("b", "c", "e")
    assert np.array_equal(whole.deciding, [1, 2, 3])
