from pathlib import Path

import pytest

import voxgate


def test_the_public_names_are_these():
    assert sorted(voxgate.__all__) == [
        "Candidate",
        "Conversation",
        "Costs",
        "Decision",
        "Embedder",
        "Embedding",
        "Enrolment",
        "FalseAcceptRate",
        "Identification",
        "Outcome",
        "Pack",
        "Ranking",
        "Source",
        "Verifier",
        "VoxgateError",
        "__version__",
        "installed",
        "load",
        "load_pack",
        "open_store",
    ]


@pytest.mark.parametrize("name", voxgate.__all__)
def test_each_public_name_is_there_and_listed(name):
    assert getattr(voxgate, name) is not None
    assert name in dir(voxgate)


def test_a_type_checker_sees_the_same_names():
    source = Path(voxgate.__file__).read_text(encoding="utf-8")
    for name in voxgate.__all__:
        if name != "__version__":
            assert f"import {name} as {name}\n" in source


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'voxgate' has no attribute 'Verifer'"):
        getattr(voxgate, "Verifer")  # noqa: B009 - as `voxgate.Verifer` does


def test_the_version_is_that_of_the_package():
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    assert f'version = "{voxgate.__version__}"' in pyproject.read_text(encoding="utf-8")
