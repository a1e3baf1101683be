import numpy as np
import pytest
import torch
from seeded import features, seeded, weights_of
from torch.nn import functional

from voxgate.convert import resnet_wespeaker
from voxgate.convert.checkpoint import Checkpoint, fill
from voxgate.convert.export import LEAST_COSINE, export_network, parity
from voxgate.convert.resnet_wespeaker import Basic, Bottleneck, ResNet, Sizes

DEPTHS = {"34": (Basic, (3, 4, 6, 3), 6.63), "293": (Bottleneck, (10, 20, 64, 3), 28.69)}


def resnet(name="34", channels=32, bands=80, dim=256, two_layers=False):
    block, depths, _ = DEPTHS[name]
    pooled = 2 * bands // 8 * channels * 8 * block.expansion
    return ResNet(Sizes(block, depths, channels, pooled, dim, two_layers)).eval()


def by_names(weights, features):
    """The embedding, worked out step by step from the weights' public names alone."""

    def norm(x, name):
        return functional.batch_norm(
            x, weights[f"{name}.running_mean"], weights[f"{name}.running_var"],
            weights.get(f"{name}.weight"), weights.get(f"{name}.bias"),
        )  # fmt: skip

    x = features.transpose(1, 2)[:, None]
    x = norm(functional.conv2d(x, weights["conv1.weight"], padding=1), "bn1").relu()
    for layer, depth in enumerate((3, 4, 6, 3), 1):
        for block in range(depth):
            at, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = functional.conv2d(x, weights[f"{at}.conv1.weight"], stride=stride, padding=1)
            y = norm(y, f"{at}.bn1").relu()
            y = norm(functional.conv2d(y, weights[f"{at}.conv2.weight"], padding=1), f"{at}.bn2")
            if f"{at}.shortcut.0.weight" in weights:
                x = functional.conv2d(x, weights[f"{at}.shortcut.0.weight"], stride=stride)
                x = norm(x, f"{at}.shortcut.1")
            x = (x + y).relu()
    stats = torch.cat([x.mean(-1).flatten(1), torch.sqrt(x.var(-1) + 1e-7).flatten(1)], 1)
    return functional.linear(stats, weights["seg_1.weight"], weights["seg_1.bias"])


@pytest.mark.parametrize(("name", "channels"), [("34", 32), ("293", 32)])
def test_it_has_as_many_parameters_as_wespeaker_states(name, channels):
    with torch.device("meta"):
        network = resnet(name, channels)
    count = sum(weight.numel() for weight in network.parameters())
    assert count / 1e6 == pytest.approx(DEPTHS[name][2], abs=0.1)


def test_its_size_is_read_from_the_weights():
    for name, two_layers in (("34", False), ("34", True), ("293", False)):
        with torch.device("meta"):
            network = resnet(name, two_layers=two_layers)
        checkpoint = Checkpoint(network.state_dict())
        with torch.device("meta"):
            again = resnet_wespeaker.build(checkpoint)
        assert {k: v.shape for k, v in again.state_dict().items()} == {
            k: v.shape for k, v in network.state_dict().items()
        }
        assert resnet_wespeaker.RECIPE.front_end(checkpoint) == {"bands": 80}


def test_its_embedding_is_that_worked_out_from_the_public_names():
    weights = weights_of(resnet(channels=8, dim=32))
    network = fill(resnet(channels=8, dim=32), Checkpoint(weights), "resnet-wespeaker")
    x = torch.from_numpy(features(97, 80))
    with torch.no_grad():
        ours, expected = network(x)[0].numpy(), by_names(weights, x)[0].numpy()
    assert ours @ expected / np.linalg.norm(ours) / np.linalg.norm(expected) >= LEAST_COSINE


def test_a_second_layer_of_the_embedding_is_used_where_there_is_one():
    one, two = resnet(channels=4, dim=16), resnet(channels=4, dim=16, two_layers=True)
    weights = weights_of(two)
    fill(two, Checkpoint(weights), "resnet-wespeaker")
    fill(one, Checkpoint(weights), "resnet-wespeaker")
    x = torch.from_numpy(features(60, 80))
    with torch.no_grad():
        hidden = one(x).relu()
        hidden = (hidden - weights["seg_bn_1.running_mean"]) / torch.sqrt(
            weights["seg_bn_1.running_var"] + 1e-5
        )
        expected = hidden @ weights["seg_2.weight"].T + weights["seg_2.bias"]
        assert torch.allclose(two(x), expected, rtol=1e-4, atol=1e-5)


def test_the_exported_resnet34_gives_the_same_embeddings():
    network = resnet()
    fill(network, Checkpoint(weights_of(network)), "resnet-wespeaker")
    model = export_network(network, 80)
    assert parity(network, model, [features(frames, 80) for frames in (45, 301)]) >= LEAST_COSINE


def test_other_weights_would_be_noticed():
    network = resnet(channels=4, dim=16)
    fill(network, Checkpoint(weights_of(network)), "resnet-wespeaker")
    model = export_network(network, 80)
    network.conv1.weight.data = seeded("another", tuple(network.conv1.weight.shape))
    assert parity(network, model, [features(60, 80)]) < LEAST_COSINE
