import numpy as np
import pytest
import torch
from seeded import features, weights_of

from voxgate.convert import redimnet
from voxgate.convert.checkpoint import Checkpoint, fill
from voxgate.convert.export import LEAST_COSINE, export_network, parity
from voxgate.convert.redimnet_blocks import LayerNorm, ToMaps, ToRows, WeightedSum
from voxgate.errors import CheckpointError

KERNEL = [(3, 3)]
SMALL = {
    "F": 12, "C": 4, "block_1d_type": "conv+att", "block_2d_type": "convnext_like",
    "stages_setup": [(1, 1, 1, KERNEL, 6), (2, 1, 2, KERNEL, 6), (3, 1, 1, KERNEL, None)],
    "group_divisor": 2, "out_channels": None, "embed_dim": 16, "global_context_att": True,
}  # fmt: skip
PUBLISHED = {  # sizes of the released models, after the paper's repository
    "b0": ({
        "F": 60, "C": 10, "block_1d_type": "conv+att", "block_2d_type": "basic_resnet",
        "stages_setup": [
            (1, 2, 1, KERNEL, 30), (2, 3, 2, KERNEL, 30), (1, 3, 3, KERNEL, 30),
            (2, 4, 2, KERNEL, 10), (1, 3, 1, KERNEL, 10),
        ],
        "group_divisor": 1, "out_channels": None, "global_context_att": True,
    }, 1.0),
    "b2": ({
        "F": 72, "C": 16, "block_1d_type": "conv+att", "block_2d_type": "convnext_like",
        "stages_setup": [
            (1, 2, 1, KERNEL, 12), (2, 2, 1, KERNEL, 12), (1, 3, 1, KERNEL, 12),
            (2, 4, 1, KERNEL, 8), (1, 4, 1, KERNEL, 8), (2, 4, 1, KERNEL, 4),
        ],
        "group_divisor": 4, "out_channels": None, "global_context_att": True,
    }, 4.7),
    "b6": ({
        "F": 72, "C": 32, "block_1d_type": "conv+att", "block_2d_type": "basic_resnet",
        "stages_setup": [
            (1, 4, 4, KERNEL, 32), (2, 6, 2, KERNEL, 32), (1, 6, 2, KERNEL, 24),
            (3, 8, 1, KERNEL, 24), (1, 8, 1, KERNEL, 16), (2, 8, 1, KERNEL, 16),
        ],
        "group_divisor": 32, "out_channels": None, "global_context_att": True,
    }, 15.0),
}  # fmt: skip


def network(**changes):
    built = redimnet.ReDimNet({**SMALL, **changes}, 8)
    return fill(built, Checkpoint(weights_of(built)), "redimnet")


@pytest.mark.parametrize("size", PUBLISHED)
def test_it_has_as_many_parameters_as_the_paper_states(size):
    config, millions = PUBLISHED[size]
    with torch.device("meta"):
        built = redimnet.ReDimNet(config, 128)
    count = sum(weight.numel() for weight in built.parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.06)


def test_its_weights_have_the_public_names():
    names = set(network().state_dict())
    assert {
        "backbone.stem.0.weight", "backbone.stem.1.bias", "backbone.stage0.0.w",
        "backbone.stage0.2.weight", "backbone.stage0.3.conv_block.dwconvs.0.weight",
        "backbone.stage0.3.conv_block.norm.running_mean",
        "backbone.stage0.3.conv_block.pwconv1.bias", "backbone.stage0.5.red_dim_conv.1.weight",
        "backbone.stage0.5.tcm.3.dwconvs.0.weight", "backbone.stage0.5.tcm.4.attention.q_proj.bias",
        "backbone.stage0.5.tcm.4.feed_forward.intermediate_dense.weight",
        "backbone.stage0.5.tcm.4.final_layer_norm.weight", "backbone.stage0.5.exp_dim_conv.weight",
        "backbone.stage1.4.0.weight", "backbone.stage1.4.1.running_var", "backbone.stage1.4.3.bias",
        "backbone.fin_wght1d.w", "pool.linear1.weight", "pool.linear2.bias", "bn.running_mean",
        "linear.weight",
    } <= names  # fmt: skip


def test_rows_and_maps_are_the_same_numbers_by_hand():
    maps = torch.arange(6.0).reshape(1, 2, 3, 1)  # channel c, band f holds 3 c + f
    rows = ToRows()(maps)
    assert rows[0, :, 0].tolist() == [0, 3, 1, 4, 2, 5]  # band by band, its channels together
    assert torch.equal(ToMaps(3, 2)(rows), maps)


def test_a_weighted_sum_starts_as_the_mean():
    rows = [torch.full((1, 2, 1), value) for value in (1.0, 3.0)]
    assert WeightedSum(2, 2)(rows)[0, :, 0].tolist() == [2, 2]


def test_layer_norm_is_over_the_second_axis():
    x = torch.tensor([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1)
    expected = (np.array([1, 2, 6]) - 3) / np.sqrt(14 / 3)
    assert LayerNorm(3)(x).flatten().tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["att", "conv+att", "conv", "fc"])
@pytest.mark.parametrize(
    "maps", ["convnext_like", "convnext_like_relu", "basic_resnet", "basic_resnet_fwse"]
)
def test_every_published_kind_of_block_gives_an_embedding(kind, maps):
    built = network(block_1d_type=kind, block_2d_type=maps, out_channels=10, emb_bn=True)
    with torch.no_grad():
        found = built(torch.from_numpy(features(60, 12)))
    assert found.shape == (1, 16)
    assert found.isfinite().all()


def test_the_network_and_its_front_end_follow_the_checkpoint():
    checkpoint = Checkpoint(network().state_dict(), {"model_config": {**SMALL, "hop_length": 240}})
    built = redimnet.build(checkpoint)
    assert set(built.state_dict()) == set(checkpoint.weights)
    assert redimnet.RECIPE.front_end(checkpoint) == {"bands": 12, "frame_shift": 240}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"block_1d_type": "lstm"}, "1-D block 'lstm'"),
        ({"block_2d_type": "vgg"}, "2-D block 'vgg'"),
        ({"pooling_func": "TAP"}, "pooling TAP"),
        ({"stages_setup": [(1, 2)]}, "makes no sense"),
        (None, "no model_config"),
    ],
)
def test_a_kind_that_is_not_known_is_refused(changes, problem):
    settings = {} if changes is None else {"model_config": {**SMALL, **changes}}
    with pytest.raises(CheckpointError, match=problem):
        redimnet.build(Checkpoint(network().state_dict(), settings))


def test_the_exported_model_gives_the_same_embeddings():
    built = network()
    model = export_network(built, 12)
    assert parity(built, model, [features(frames, 12) for frames in (77, 240)]) >= LEAST_COSINE
