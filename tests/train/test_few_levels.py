"""Weights of few levels: how they are chosen, settled to, and stored in a graph."""

import copy
import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from tiny_model import tiny_model
from torch import nn
from torch.nn import functional
from voices import speak

from voxgate.train import few_levels
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.few_levels import FewLevels, _even, settle
from voxgate.train.gptq import products_given_to, rounded
from voxgate.train.model import SpeakerModel
from voxgate.train.packing import find_levels

SPEECH = [speak(voice, 2.0, 0) for voice in range(8)]
BATCH = torch.from_numpy(np.stack(SPEECH))


@pytest.fixture(scope="module")
def model() -> SpeakerModel:
    return tiny_model(windows=1, rank=32, aggregate_rank=48)


@pytest.fixture(scope="module")
def settled(model) -> SpeakerModel:
    changed = copy.deepcopy(model)
    settle(changed, itertools.repeat(BATCH), 0)
    return changed


def levels_in(weight: torch.Tensor) -> int:
    return max(len(row.unique()) for row in weight.flatten(1))


@pytest.mark.parametrize("levels", [6, 8, 16, 40, 128])
def test_a_rows_levels_are_odd_multiples_of_its_scale(levels):
    torch.manual_seed(0)
    weight = torch.randn(5, 3000) * torch.tensor([[1e-3], [0.1], [1.0], [10.0], [0.5]])
    for row in FewLevels(weight, levels)(weight).detach():
        multiples = row.unique() / row.abs().min()
        assert levels / 2 < len(multiples) <= levels
        assert torch.allclose(multiples, multiples.round(), atol=1e-4)
        assert (multiples.round().int() % 2 == 1).all()


def test_more_levels_are_nearer_to_the_weight():
    torch.manual_seed(0)
    weight = torch.randn(4, 1000)
    few = [FewLevels(weight, levels)(weight).detach() for levels in (6, 16, 128)]
    errors = [float((each - weight).square().mean()) for each in few]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.013  # what a normal distribution has at best with 16 even steps: 0.0115
    assert errors[2] < 0.0004


def test_a_row_of_zeros_is_rounded_to_next_to_nothing():
    few = FewLevels(torch.zeros(2, 8), 16)(torch.zeros(2, 8))
    assert torch.isfinite(few).all()
    assert few.abs().max() < 1e-3


def test_gradients_go_through_the_rounding_to_weight_and_scale():
    torch.manual_seed(0)
    weight = torch.randn(3, 40, requires_grad=True)
    few = FewLevels(weight, 16)
    few(weight).sum().backward()
    inside = (weight / few.log_scale.exp()).abs() < 16
    assert torch.allclose(weight.grad[inside], torch.ones_like(weight)[inside], atol=1e-3)
    assert few.log_scale.grad.abs().min() > 0


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(60, 20), (200, 60)),
        (nn.Conv1d(12, 20, 5, stride=2, padding=2), (20, 12, 50)),
        (nn.Conv1d(12, 20, 3, dilation=2, padding=2), (20, 12, 50)),
        (nn.Conv2d(6, 20, 3, padding=1), (10, 6, 9, 11)),
    ],
)
def test_a_layer_rounded_by_what_it_hears_gives_what_it_gave_more_nearly(layer, shape):
    torch.manual_seed(0)
    common = torch.randn(shape[0], 1, *shape[2:])  # channels that say nearly the same
    heard = common + 0.1 * torch.randn(shape)
    (products,) = products_given_to([layer], layer, [heard])
    few = FewLevels(layer.weight, 16)
    with torch.no_grad():
        wanted, by_itself, by_gptq = (
            functional.linear(heard, weight, layer.bias)
            if isinstance(layer, nn.Linear)
            else layer._conv_forward(heard, weight, layer.bias)
            for weight in (
                layer.weight, few(layer.weight), rounded(layer.weight, products, few.column),
            )
        )  # fmt: skip
    assert (by_gptq - wanted).square().mean() < 0.5 * (by_itself - wanted).square().mean()


def test_every_large_weight_has_few_levels_and_small_ones_are_as_they_were(model, settled):
    network = settled.network
    assert 16 < levels_in(network.first[0].weight) <= 40
    assert levels_in(network.aggregate[0][1].weight) <= 16
    assert levels_in(network.pool.of_frame.weight) <= 6
    assert levels_in(network.pool.of_all.weight) <= 6
    assert torch.equal(network.embed[0].weight, model.network.embed[0].weight)
    rnn, before = (m.carried[0].network.recurrent.rnn for m in (settled, model))
    assert torch.equal(rnn.weight_ih_l0, before.weight_ih_l0)
    assert 16 < levels_in(rnn.weight_hh_l0) <= 128
    assert levels_in(rnn.weight_ih_l1) <= 16
    assert levels_in(rnn.weight_hh_l2) <= 16


def test_two_convolutions_in_a_row_are_evened_and_give_what_they_gave():
    torch.manual_seed(0)
    pair = nn.Sequential(nn.Conv1d(8, 4, 1, bias=False), nn.Conv1d(4, 8, 1))
    with torch.no_grad():
        pair[1].weight *= torch.tensor([0.01, 1.0, 10.0, 100.0])[None, :, None]
        heard = torch.randn(2, 8, 9)
        before = pair(heard)
        _even(pair)
        assert torch.allclose(pair(heard), before, atol=1e-4)
    sizes = pair[1].weight.square().mean(dim=(0, 2))
    assert torch.allclose(sizes, torch.ones(4), atol=1e-4)


def test_a_network_settles_to_its_levels(model, monkeypatch):
    for name in ("_FIRST", "_FEW", "_LAST", "_WEIGHING"):
        monkeypatch.setattr(few_levels, name, 2)  # so few that rounding costs much
    cosines = []
    for steps in (0, 40):
        learnt = copy.deepcopy(model)
        settle(learnt, itertools.repeat(BATCH), steps)
        assert levels_in(learnt.network.aggregate[0][1].weight) == 2
        with torch.no_grad():
            given, wanted = (each.network(model.front_end(BATCH)) for each in (learnt, model))
        cosines.append(float(functional.cosine_similarity(given, wanted).mean()))
    assert cosines[1] > cosines[0]


def test_levels_are_found_again_along_the_axis_they_have():
    rng = np.random.default_rng(0)
    numbers = 2 * rng.integers(-8, 8, (4, 50)) + 1
    numbers[2] = 3 * (2 * rng.integers(-3, 3, 50) + 1)  # a row whose least number is 3
    scale = np.float16([[0.1], [0.25], [0.003], [7.0]])
    weight = (numbers * scale.astype(np.float32)).astype(np.float32)
    for turned in (weight, weight.T):
        found = find_levels(np.ascontiguousarray(turned))
        assert np.array_equal(found.numbers * found.scale.astype(np.float32), turned)
        assert found.scale.dtype == np.float16
    assert find_levels(weight + 0.01) is None
    assert find_levels(np.zeros((3, 4), np.float32)) is None
    assert find_levels(rng.normal(size=(3, 40)).astype(np.float32)) is None


@pytest.fixture(scope="module")
def files(settled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    made = {precision: folder / f"{precision}.onnx" for precision in ("int8", "int4")}
    for precision, path in made.items():
        export_onnx(settled, path, precision, SPEECH)
    return made


def test_the_packed_graph_gives_the_models_embeddings_and_is_smaller(settled, files):
    other = [speak(20 + n, seconds, 0) for n, seconds in enumerate((0.4, 1.0, 3.3))]
    assert check_parity(settled, files["int4"], other, "int4") > 0.995
    sizes = {precision: path.stat().st_size for precision, path in files.items()}
    assert sizes["int4"] < 0.6 * sizes["int8"]


def test_a_packed_graph_is_computed_with_the_operators_of_the_one_in_8_bits(files, tmp_path):
    """All that unpacks it is worked out when it is loaded, its front end's tables, too."""
    kinds = []
    for precision, path in files.items():
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # a saved graph of this kind is for this machine alone
        options.optimized_model_filepath = str(tmp_path / f"{precision}.onnx")
        onnxruntime.InferenceSession(path, options)
        graph = onnx.load(options.optimized_model_filepath).graph
        kinds.append(sorted(node.op_type for node in graph.node))
    assert kinds[0] == kinds[1]
    assert "QLinearConv" in kinds[0]
    assert "Cos" not in kinds[0]


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_tables_of_the_front_end_are_not_in_the_file(files, precision):
    graph = onnx.load(files[precision]).graph
    spectral = [
        tensor for tensor in graph.initializer
        if numpy_helper.to_array(tensor).shape[-1:] in {(201,), (257,)}
    ]  # fmt: skip
    assert all(len(tensor.dims) < 2 for tensor in spectral)
    assert "Cos" in {node.op_type for node in graph.node}
