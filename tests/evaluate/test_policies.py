import numpy as np
import pytest

from voxgate.evaluate.policies import thresholds
from voxgate.packs import load_pack
from voxgate.scoring import Costs, FalseAcceptRate


@pytest.mark.parametrize(
    "policy", [FalseAcceptRate(0.01), FalseAcceptRate(0.02), FalseAcceptRate(1e-5), Costs(0.01)]
)
def test_the_thresholds_are_those_of_decisions(policy):
    table = load_pack().false_accepts
    speech = np.array([0.2, 0.4, 0.55, 1.0, 2.9, 6.0, 40.0])
    expected = [policy.threshold(table, s, s).llr for s in speech]
    assert thresholds(policy, table, speech) == pytest.approx(expected)
