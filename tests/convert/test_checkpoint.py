import pickle

import pytest
import torch
from safetensors.torch import save_file

from voxgate.convert.checkpoint import Checkpoint, fill, read_checkpoint
from voxgate.errors import CheckpointError

WEIGHTS = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}


class Evil:
    """A pickle that would write a file, were it read the usual way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("held", [None, "state_dict", "model_state", "model"])
def test_weights_are_found_where_they_are_usually_kept(tmp_path, held):
    path = tmp_path / "x.pt"
    settings = {"C": 16, "stages": [(1, 2, None)]}
    torch.save({held: WEIGHTS, "model_config": settings} if held else WEIGHTS, path)
    found = read_checkpoint(path)
    assert set(found.weights) == {"weight", "bias"}
    assert found.settings == ({"model_config": settings} if held else {})


def test_weights_of_several_gpus_have_their_plain_names(tmp_path):
    torch.save({f"module.{name}": weight for name, weight in WEIGHTS.items()}, tmp_path / "x.pt")
    assert set(read_checkpoint(tmp_path / "x.pt").weights) == {"weight", "bias"}


def test_safetensors_are_read(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file(WEIGHTS, path)
    assert torch.equal(read_checkpoint(path).weights["weight"], WEIGHTS["weight"])


@pytest.mark.parametrize("kind", ["torch", "plain pickle", "inside"])
def test_a_file_that_could_run_code_is_refused_and_runs_none(tmp_path, kind):
    path, victim = tmp_path / "evil.pt", tmp_path / "victim"
    evil = {"state_dict": {**WEIGHTS, "hook": Evil(victim)}} if kind == "inside" else Evil(victim)
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil, path)
    with pytest.raises(CheckpointError, match="could run code, so it is refused"):
        read_checkpoint(path)
    assert not victim.exists()


def test_a_file_that_could_run_code_would_have(tmp_path):
    path, victim = tmp_path / "evil.pt", tmp_path / "victim"
    torch.save(Evil(victim), path)
    torch.load(path, weights_only=False).close()
    assert victim.exists()


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken"])
def test_what_is_no_checkpoint_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.(pt|safetensors)"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_a_file_that_is_not_there_is_one_sentence(tmp_path, name):
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"), [([1, 2], "holds a list"), ({"epoch": 3}, "holds no weights")]
)
def test_a_checkpoint_without_weights_is_refused(tmp_path, content, problem):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=problem):
        read_checkpoint(tmp_path / "x.pt")


def test_a_network_is_filled_and_what_is_over_is_left():
    network = fill(torch.nn.Linear(3, 2), Checkpoint({**WEIGHTS, "projection": torch.ones(1)}), "x")
    assert torch.equal(network.weight, WEIGHTS["weight"])
    assert not network.training


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weight": torch.ones(3, 2)}, r"weight is \(3, 2\); a linear of this size has \(2, 3\)"),
        ({"bias": torch.tensor([0.0, float("nan")])}, "bias holds numbers that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(changes, problem):
    with pytest.raises(CheckpointError, match=problem):
        fill(torch.nn.Linear(3, 2), Checkpoint({**WEIGHTS, **changes}), "linear")


def test_weights_that_are_missing_are_named():
    with pytest.raises(CheckpointError, match="is not a linear: it lacks 1 of 2 weights, such as"):
        fill(torch.nn.Linear(3, 2), Checkpoint({"weight": WEIGHTS["weight"]}), "linear")
    with pytest.raises(CheckpointError, match="no weight 'lstm'"):
        Checkpoint(WEIGHTS).shape("lstm")
