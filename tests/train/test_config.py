import importlib
from itertools import combinations
from pathlib import Path

import pytest

from voxgate.errors import TrainingError
from voxgate.train.config import build_experiment, read_experiment, read_table

RECIPES = Path(__file__).parents[2] / "recipes"


def experiment(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text)
    return read_experiment(path)


def test_what_is_not_said_has_its_default(tmp_path):
    read = experiment(tmp_path, 'name = "x"\nsteps = 3\n[sampling]\ncrop_s = [1, 2]\n')
    assert (read.steps, read.seed, read.sampling.crop_s) == (3, 1, (1, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\nsteps = 3\nstep = 4', "unknown key 'step'"),
        (
            'name = "x"\nsteps = 3\n[loss]\nmargins = 1',
            r"loss \(aam\) has the unknown key 'margins'",
        ),
        ('name = "x"\nsteps = "3"', "steps is '3'; it must be int"),
        ('name = "x"\nsteps = 3\nloss = 1', "loss is 1; it must be a table"),
        ('name = "x"\nsteps = 3\n[model]\nkind = "vgg"', "model has the kind 'vgg'; known are"),
        (
            'name = "x"\nsteps = 3\n[loss]\nkind = "ge2e"',
            "loss: per_speaker is 2 and that of the sampling 1; they must be the same",
        ),
        ('name = "x"\nsteps = 3\nteacher.dim = 8', "follow the pack '';"),
        (
            'name = "x"\nsteps = 3\nteacher = { pack = "some", dim = 192 }',
            "192 of the model's 192 numbers are to follow the pack 'some'",
        ),
        ('name = "x"\nsteps = 3\nbegin.public = "vgg"', "begin: public is 'vgg'; choose speech"),
        (
            'name = "x"\nsteps = 3\nbegin = {public = "speechbrain-ecapa", keep = 2}',
            "begin: keep is 2.0; it must be a share from 0 to 1",
        ),
        ('name = "x"\nsteps = 3\nbegin.keep = 0.5', "keep is 0.5, but no public network is named"),
        ('name = "x"\nsteps = 3\npack.settle = 5', "settle is 5; it must be 0"),
        (
            'name = "x"\nsteps = 3\nbegin.public = "speechbrain-ecapa"\nteacher = '
            '{ pack = "some", dim = 8 }',
            "needs the front end decibel.*found mel, ecapa, aam and a teacher",
        ),
        ('name = "x"', "incomplete"),
        ("name = ", "not valid TOML"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, text, message):
    with pytest.raises(TrainingError, match=message):
        experiment(tmp_path, text)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(TrainingError, match=r"There is no .*none.toml"):
        read_experiment(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "path",
    sorted(RECIPES.glob("*/*.toml")),
    ids=lambda path: path.relative_to(RECIPES).as_posix(),
)
def test_the_recipes_can_be_read_and_are_named_after_their_place(path):
    place = path.stem.replace("experiment", path.parent.name)
    assert read_experiment(path).name == place


def test_every_ablation_changes_the_recipe_to_one_that_makes_sense(monkeypatch):
    monkeypatch.syspath_prepend(RECIPES / "builtin")
    ablations = importlib.import_module("ablations")
    made = [
        build_experiment(read_table(ablations.RECIPE, (*ablations.SHORT, *overrides)), name)
        for name, overrides in ablations.VARIATIONS.items()
    ]
    assert all(one != another for one, another in combinations(made, 2))
    assert all((RECIPES / name / "experiment.toml").is_file() for name in ablations.ARCHITECTURES)
