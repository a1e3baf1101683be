"""Published corpora through lhotse: their folders, as they are downloaded, become its manifests.

lhotse knows how each of them is laid out; nothing of that is ours. Nothing is downloaded here.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voxgate.errors import CorpusError
from voxgate.extras import need
from voxgate.train.corpora import read_corpus
from voxgate.train.corpora.recording import Recording

_PREFIX = "prepare_"
_ROOTS = ("corpus_dir", "audio_dir", "data_dir", "tedlium_root", "voxceleb1_root")


def known_corpora() -> list[str]:
    """Names of the corpora that lhotse can prepare from one folder.

    Raises:
        MissingExtraError: lhotse is not installed.
    """
    return sorted(_recipes())


def prepare(name: str, folder: Path, out: Path) -> list[Recording]:
    """Write the manifests of a corpus to `out`, and read them back.

    Args:
        name: one of `known_corpora`.
        folder: where the corpus lies, as its makers publish it.
        out: where the manifests go.

    Raises:
        CorpusError: the name is not known, or the folder does not hold that corpus with speakers.
        MissingExtraError: lhotse is not installed.
    """
    recipes = _recipes()
    if name not in recipes:
        raise CorpusError(
            f"There is no corpus {name!r}; 'voxgate data corpora' lists the {len(recipes)} known."
        )
    if not folder.is_dir():
        raise CorpusError(f"There is no folder {folder}; give the one that holds {name}.")
    recipe = recipes[name]
    root = _root_of(recipe)
    try:
        recipe(**{root: folder.absolute(), "output_dir": out.absolute()})
    except (AssertionError, KeyError, LookupError, OSError, TypeError, ValueError) as error:
        raise CorpusError(
            f"{folder} does not hold {name} as it is published ({type(error).__name__}: {error})."
        ) from None
    return read_corpus(out, "lhotse")


def _recipes() -> dict[str, Callable[..., Any]]:
    recipes = need("lhotse.recipes", "corpora")
    functions = {
        name.removeprefix(_PREFIX): getattr(recipes, name)
        for name in dir(recipes)
        if name.startswith(_PREFIX)
    }
    return {name: function for name, function in functions.items() if _root_of(function)}


def _root_of(recipe: Callable[..., Any]) -> str:
    """The parameter for the corpus's folder; empty where that and an output do not suffice."""
    parameters = inspect.signature(recipe).parameters
    root = next((name for name in _ROOTS if name in parameters), "")
    needed = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
    return root if "output_dir" in parameters and needed <= {root, "output_dir"} else ""
