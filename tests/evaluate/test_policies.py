import numpy as np
import pytest

from voxgate.evaluate.policies import thresholds
from voxgate.packs import load_pack
from voxgate.scoring import Costs, FalseAcceptRate, FalseAcceptTable


@pytest.mark.parametrize(
    "policy", [FalseAcceptRate(0.01), FalseAcceptRate(0.02), FalseAcceptRate(1e-5), Costs(0.01)]
)
def test_the_thresholds_are_those_of_decisions(policy):
    table = load_pack().false_accepts
    speech = np.array([0.2, 0.4, 0.55, 1.0, 2.9, 6.0, 40.0])
    expected = [policy.threshold(table, s, s).llr for s in speech]
    assert thresholds(policy, table, speech) == pytest.approx(expected)


def test_beyond_the_measured_rates_they_are_bent_where_those_of_decisions_are():
    # 2.3 above the table's 9 and 1 at 1 s and 4 s, but nowhere below -log(0.01) = 4.6
    table = FalseAcceptTable([1.0, 4.0], [0.1], [[9.0], [1.0]], [[0.1], [0.1]], [[1, 1], [1, 1]])
    speech = np.array([1.0, 2.0, 3.0, 4.0])
    found = thresholds(FalseAcceptRate(0.01), table, speech)
    assert found == pytest.approx([11.30, 7.30, 4.96, 4.61], abs=0.01)
