import json
from dataclasses import replace

import numpy as np
import pytest

from voxgate.errors import EvaluationError
from voxgate.evaluate import (
    Library,
    evaluate_packs,
    find_trials,
    pack_metrics,
    read_scores,
)
from voxgate.evaluate.evaluation import System, about_all, distinct, evaluate, map_of, run_pack
from voxgate.evaluate.results import load, merge, save
from voxgate.evaluate.tables import as_markdown, tables


@pytest.fixture(scope="module")
def evaluation(pack, data):
    return evaluate_packs([pack], find_trials([data]), data)


@pytest.fixture
def other(data, tmp_path):
    """Another system, known by its scores: it says the opposite of the truth."""
    lists = find_trials([data])
    lines = [
        f"{a} {b} {-int(t)}"
        for trials in lists
        for a, b, t in zip(trials.enrolled, trials.probe, trials.target, strict=True)
    ]
    (tmp_path / "other.txt").write_text("\n".join(lines))
    scores = tuple(read_scores(tmp_path / "other.txt", lists))
    return evaluate([System("other", scores)], about_all(lists, Library(data)), resamples=100)


def test_every_list_and_all_of_them_are_measured(evaluation, pack):
    (result,) = evaluation.results
    assert result.name == pack.id
    assert {name: (f.trials, f.speakers) for name, f in result.figures.items()} == {
        "one": (66, 3), "two": (66, 3), "pooled": (132, 6),
    }  # fmt: skip
    pooled = result.figures["pooled"]
    assert pooled.eer < 0.2
    assert pooled.eer_95.low <= pooled.eer <= pooled.eer_95.high
    assert set(pooled.by_kind) == {"cosine", "as_norm", "llr"}
    assert result.size_mb == pytest.approx(0.18, abs=0.1)
    assert 0 < result.real_time_factor < 1
    assert set(result.searches) == {"pooled"}  # three speakers are too few
    assert result.conditions["session"]["speaker across sessions"].targets == 24


def test_progress_goes_to_its_end(evaluation):
    told = []
    evaluate(
        evaluation.systems, evaluation.about, resamples=100, progress=lambda *x: told.append(x)
    )
    done, of = zip(*told, strict=True)
    assert done == (1, 2, 3, 4)  # two lists, all of them, the one condition with enough trials
    assert set(of) == {4}


def test_the_figures_for_a_pack_are_those_of_the_evaluation(evaluation, pack, data):
    metrics = pack_metrics(pack, data)
    assert list(metrics) == ["one", "two", "pooled"]
    for name, figures in metrics.items():
        found = evaluation.results[0].figures[name]
        assert figures["trials"] == found.trials
        assert figures["eer"] == round(100 * found.eer, 2)
        assert figures["cllr"] == round(found.cllr, 3)
        assert figures["eer_cosine"] == round(100 * found.by_kind["cosine"].eer, 2)


def test_a_system_may_be_known_by_its_scores_alone(other):
    figures = other.results[0].figures["pooled"]
    assert (figures.eer, figures.cllr, figures.accuracy) == (1, None, None)
    assert "speech of the shorter side" not in other.results[0].conditions


def test_a_pack_that_is_not_calibrated_is_measured_by_its_cosine(pack, data):
    bare = replace(pack, decider=None)
    (result,) = evaluate_packs([bare], find_trials([data]), data).results
    figures = result.figures["pooled"]
    assert set(figures.by_kind) == {"cosine"}
    assert figures.eer < 0.3
    assert (figures.cllr, figures.accuracy, result.searches) == (None, None, {})


def test_missing_recordings_are_said_before_the_work(pack, data, tmp_path):
    (tmp_path / "x.trials").write_text("1 one/v6/0.flac one/v6/9.flac\n")
    with pytest.raises(EvaluationError, match=r"such as one/v6/9\.flac"):
        evaluate_packs([pack], find_trials([tmp_path]), data)


def test_results_come_back_as_they_were_saved(evaluation, tmp_path):
    save(evaluation, tmp_path / "results")
    again = load(tmp_path / "results")
    assert again.results == evaluation.results
    assert again.about == evaluation.about
    assert again.data == evaluation.data.resolve()
    limits = again.systems[0].thresholds, evaluation.systems[0].thresholds
    assert np.concatenate(limits[0]) == pytest.approx(np.concatenate(limits[1]), rel=1e-5)
    for saved, known in zip(again.systems[0].scores, evaluation.systems[0].scores, strict=True):
        assert saved.trials.enrolled == known.trials.enrolled
        assert np.array_equal(saved.trials.target, known.trials.target)
        assert set(saved.by_kind) == {"cosine", "as_norm", "llr"}
        for kind in ("cosine", "as_norm", "llr"):
            assert saved.by_kind[kind] == pytest.approx(known.by_kind[kind], rel=1e-5)


def test_results_hold_no_embedding(evaluation, pack, data, tmp_path):
    save(evaluation, tmp_path)
    system, embeddings = run_pack(pack, find_trials([data]), Library(data))
    some = f"{embeddings.vectors[0, 0]:.4f}"
    for path in tmp_path.rglob("*.*"):
        assert some not in path.read_text()
    assert system.points == ()


def test_results_of_the_same_trials_are_merged(evaluation, other, tmp_path):
    save(other, tmp_path)
    both = merge([evaluation, load(tmp_path)])
    assert [result.name for result in both.results] == ["tiny@1", "other"]
    assert both.heard == evaluation.heard
    error_table, *_ = tables(both.results)
    assert error_table.headers[:2] == ("system", "set")
    assert [row[:2] for row in error_table.rows][2:4] == [("tiny@1", "pooled"), ("other", "one")]
    with pytest.raises(EvaluationError, match="two systems named 'other'"):
        merge([other, other])


def test_results_of_other_trials_are_not_merged(evaluation, other, data):
    one = find_trials([data / "one.trials"])
    alone = evaluate(
        [System("x", other.systems[0].scores[:1])], about_all(one, Library(data)), resamples=100
    )
    with pytest.raises(EvaluationError, match="different trials"):
        merge([evaluation, alone])


@pytest.mark.parametrize("content", [None, "{", "{}", '{"systems": [{}]}', "[]"])
def test_a_folder_without_sound_results_is_refused(tmp_path, content):
    if content:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(EvaluationError, match="voxgate evaluate --out"):
        load(tmp_path)


def test_tables_say_it_in_markdown(evaluation):
    text = as_markdown(evaluation.results)
    assert "| set | trials | speakers | EER % |" in text
    assert "| pooled | 132 | 6 |" in text
    assert json.dumps(evaluation.results[0].to_dict())


def test_the_map_shows_numbers_in_place_of_speakers(pack, data):
    _, embeddings = run_pack(pack, find_trials([data]), Library(data))
    points = map_of(embeddings, Library(data))
    assert len(points) == 24
    assert {point.speaker for point in points} == set(range(1, 7))
    assert all(0 <= p.x <= 1 and 0 <= p.y <= 1 for p in points)
    assert points == map_of(embeddings, Library(data))


def test_names_that_come_twice_are_told_apart():
    systems = distinct([System(name, ()) for name in ("a", "b", "a")])
    assert [system.name for system in systems] == ["a", "b", "a (2)"]
