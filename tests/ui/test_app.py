"""The page as a whole: that it can be mounted, and offers programs no door."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import voxgate

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mounted")
    path = os.pathsep.join([str(Path(voxgate.__file__).parents[1]), str(HERE.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "GRADIO_TEMP_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, str(HERE / "mounted.py"), str(folder)],
        check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_a_service_can_mount_it_behind_its_own_keys(found):
    assert found["refused"] == [401, 401]
    assert found["served"] == 200
    assert found["is_the_page"]


def test_it_offers_programs_no_door(found):
    assert found["visibilities"] == ["private"]
