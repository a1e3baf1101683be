import subprocess
import sys

import pytest

from voxgate.errors import MissingExtraError
from voxgate.extras import need

HEAVY = {
    *("alembic", "av", "cryptography", "matplotlib", "onnx", "onnxruntime", "pyarrow", "rich"),
    *("scipy", "sklearn", "sounddevice", "soundfile", "soxr", "sqlalchemy"),
    *("torch", "typer"),
}


def loaded_by(imports):
    code = f"import sys\nimport {imports}\nprint(*{HEAVY | {'numpy'}!r} & set(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_importing_voxgate_loads_nothing_heavy():
    assert loaded_by("voxgate") == set()


def test_importing_the_core_loads_nothing_heavy():
    assert loaded_by("voxgate.verify, voxgate.store, voxgate.search, voxgate.features") == {"numpy"}


def test_importing_the_command_line_loads_no_engine():
    assert loaded_by("voxgate.cli") <= {"typer", "rich"}


def test_a_missing_extra_names_the_command_that_installs_it():
    with pytest.raises(MissingExtraError, match=r"pip install 'voxgate\[train\]'"):
        need("no_such_module", "train")


def test_an_installed_but_broken_module_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import something_it_lacks")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_lacks") as caught:
        need("broken", "train")
    assert not isinstance(caught.value, MissingExtraError)
