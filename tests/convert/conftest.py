"""The seeded weights are those that the references were recorded with."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
