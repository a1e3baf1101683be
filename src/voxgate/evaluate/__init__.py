"""Measure how well speakers are told apart: trials, metrics, calibration, reports.

    from voxgate import load_pack
    from voxgate.evaluate import evaluate_packs, find_trials

    lists = find_trials([Path("data")])
    evaluation = evaluate_packs([load_pack()], lists, Path("data"))
    print(evaluation.results[0].figures["pooled"].eer_95)

The names below are loaded at their first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxgate.evaluate.evaluation import Evaluation as Evaluation
    from voxgate.evaluate.evaluation import Result as Result
    from voxgate.evaluate.evaluation import System as System
    from voxgate.evaluate.evaluation import evaluate as evaluate
    from voxgate.evaluate.evaluation import evaluate_packs as evaluate_packs
    from voxgate.evaluate.evaluation import pack_metrics as pack_metrics
    from voxgate.evaluate.evaluation import run_pack as run_pack
    from voxgate.evaluate.metrics import act_dcf as act_dcf
    from voxgate.evaluate.metrics import cllr as cllr
    from voxgate.evaluate.metrics import eer as eer
    from voxgate.evaluate.metrics import min_cllr as min_cllr
    from voxgate.evaluate.metrics import min_dcf as min_dcf
    from voxgate.evaluate.metrics import pair_accuracy as pair_accuracy
    from voxgate.evaluate.recordings import Library as Library
    from voxgate.evaluate.trials import Scores as Scores
    from voxgate.evaluate.trials import Trials as Trials
    from voxgate.evaluate.trials import find_trials as find_trials
    from voxgate.evaluate.trials import read_scores as read_scores
    from voxgate.evaluate.trials import read_trials as read_trials

_HOMES = {  # public name -> module that defines it
    "Evaluation": "evaluation",
    "Library": "recordings",
    "Result": "evaluation",
    "Scores": "trials",
    "System": "evaluation",
    "Trials": "trials",
    "act_dcf": "metrics",
    "cllr": "metrics",
    "eer": "metrics",
    "evaluate": "evaluation",
    "evaluate_packs": "evaluation",
    "find_trials": "trials",
    "min_cllr": "metrics",
    "min_dcf": "metrics",
    "pack_metrics": "evaluation",
    "pair_accuracy": "metrics",
    "read_scores": "trials",
    "read_trials": "trials",
    "run_pack": "evaluation",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxgate.evaluate' has no attribute {name!r}")
    home = import_module(f"voxgate.evaluate.{_HOMES[name]}")
    value = globals()[name] = getattr(home, name)
    return value
