"""What a policy asks of many trials at once."""

import numpy as np
from numpy.typing import NDArray

from voxgate.scoring import FalseAcceptTable, Policy


def thresholds(
    policy: Policy, table: FalseAcceptTable, speech_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """LLR from which on `policy` accepts each of the trials with this effective speech (trials,).

    The very thresholds of a decision: within the measured rates they are straight between the
    rows of the table, so that only the rows are asked for.
    """
    rows = np.asarray(table.speech_s, np.float64)
    at_rows = [policy.threshold(table, s, s) for s in rows]
    if any(threshold.extrapolated for threshold in at_rows):
        return np.array([policy.threshold(table, s, s).llr for s in speech_s])
    llrs = [threshold.llr for threshold in at_rows]
    return np.interp(np.log(speech_s), np.log(rows), llrs)
