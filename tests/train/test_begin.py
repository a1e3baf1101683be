import numpy as np
import pytest
import torch
from runs import command, log, voxgate, weights

from voxgate.errors import TrainingError
from voxgate.train.architectures.ecapa import Ecapa, EcapaConfig
from voxgate.train.begin import begin
from voxgate.train.config import Experiment, build_experiment
from voxgate.train.judge import raw_embeddings
from voxgate.train.loop import Folders, divide, open_corpus
from voxgate.train.pack import trained_model
from voxgate.train.run_folder import RunFolder
from voxgate.train.sampling import Sampler
from voxgate.train.state import State, start

SIZES = {"channels": 16, "aggregate": 24, "attention": 8, "scale": 4, "dilations": (1, 2, 2)}
FROM_PUBLIC = (
    "begin.public=speechbrain-ecapa", "front_end.kind=decibel", "model.dilations=[1, 2, 2]",
    "model.rank=8", "model.aggregate_rank=8",
)  # fmt: skip


@pytest.fixture(autouse=True)
def public(monkeypatch) -> Ecapa:
    """A small network in the place of the published one."""
    torch.manual_seed(7)
    network = Ecapa(EcapaConfig(**SIZES, dim=20), 80)
    network.train()
    with torch.no_grad():
        network(torch.randn(64, 80, 100))  # so that its norms have seen something
    monkeypatch.setattr("voxgate.train.begin.published", network.eval)
    return network


def experiment(**model) -> Experiment:
    table = {
        "name": "tiny", "steps": 1, "precision": "float32", "data": {"hold_out": 0.3},
        "begin": {"public": "speechbrain-ecapa"}, "front_end": {"kind": "decibel"},
        "model": {"kind": "ecapa", **SIZES, "dim": 6, **model},
    }  # fmt: skip
    return build_experiment(table, "test")


@pytest.fixture
def corpus(folder):
    return open_corpus(Folders(folder / "data", folder / "noise", folder / "cache"))


def begun(experiment, corpus) -> tuple[State, np.ndarray]:
    """The state, and the recordings that would be trained on."""
    chosen, _, _ = divide(corpus, experiment)
    classes = Sampler(corpus, chosen, experiment.sampling, 1).classes
    state = start(experiment, classes, torch.device("cpu"))
    begin(state, experiment, corpus, chosen)
    return state, chosen


def test_the_network_is_the_public_one_seen_from_the_speakers(corpus, public):
    """Whatever the public network tells apart by, the first numbers do, too: it is a rotation and
    a scaling, centred on the speakers that are trained on."""
    state, chosen = begun(experiment(), corpus)
    ours = raw_embeddings(state.average, corpus, chosen)
    state.model.network = public
    theirs = raw_embeddings(state.model, corpus, chosen)
    theirs = np.column_stack([theirs, np.ones(len(theirs))])
    turned, *_ = np.linalg.lstsq(theirs, ours, rcond=None)
    assert ours.shape[1] == 6
    assert np.abs(theirs @ turned - ours).max() < 1e-2 * np.abs(ours).max()


def test_each_class_begins_at_its_speaker_and_speed(corpus):
    state, chosen = begun(experiment(), corpus)
    ours = raw_embeddings(state.average, corpus, chosen)
    speakers = np.unique(corpus.speaker[chosen], return_inverse=True)[1]
    as_recorded = 3 * speakers + 1  # the second of three speeds
    state.loss.at(0.0, fine_tuning=False)
    weight = torch.nn.functional.normalize(state.loss.weight)
    cosines = torch.nn.functional.normalize(torch.from_numpy(ours)) @ weight.T
    own = cosines[torch.arange(len(ours)), torch.from_numpy(2 * as_recorded)]  # two centres each
    assert own.mean() > cosines.mean() + 0.5


def test_ranks_make_it_smaller(corpus):
    (whole, _), (cut, _) = begun(experiment(), corpus), begun(experiment(rank=4), corpus)
    sizes = [sum(p.numel() for p in state.model.parameters()) for state in (whole, cut)]
    assert sizes[1] < sizes[0]


def test_a_model_of_other_sizes_is_refused(corpus):
    with pytest.raises(TrainingError, match=r"speechbrain-ecapa is EcapaConfig\(channels=16"):
        begun(experiment(channels=32), corpus)


def test_a_run_that_goes_on_does_not_begin_again(folder, capsys, monkeypatch):
    words = [word for value in FROM_PUBLIC for word in ("--set", value)]
    code, _, err = voxgate(capsys, *command(folder, "begun", *words))
    assert code == 0, err
    before = weights(folder / "begun")

    def never() -> Ecapa:
        raise AssertionError

    monkeypatch.setattr("voxgate.train.begin.published", never)
    code, _, err = voxgate(capsys, *command(folder, "begun", *words, "--resume"))
    assert code == 0, err
    assert log(folder / "begun")[-1]["step"] == 4
    assert np.array_equal(weights(folder / "begun"), before)
    run = RunFolder(folder / "begun")
    learnt, half, begun = (list(trained_model(run, k).parameters()) for k in (0.0, 0.5, 1.0))
    assert not all(torch.equal(a, b) for a, b in zip(learnt, begun, strict=True))
    for three in zip(learnt, half, begun, strict=True):
        assert torch.allclose(three[1], (three[0] + three[2]) / 2, atol=1e-6)
    run.begun.unlink()
    keep = command(folder, "begun", "--pack-only", "--set", "begin.keep=0.5")
    code, _, err = voxgate(capsys, *keep)
    assert code == 2
    assert "has no begun.pt to keep 0.5 of" in err
