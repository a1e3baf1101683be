import hashlib

import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.architectures.vgg16 import Vgg16, Vgg16Config

# where torchvision's vgg16 has its convolutions, and their channels as multiples of the first's
PLACES = {0: 1, 2: 1, 5: 2, 7: 2, 10: 4, 12: 4, 14: 4, 17: 8, 19: 8, 21: 8, 24: 8, 26: 8, 28: 8}
SMALL = Vgg16Config(width=2, side=32, dim=16, dense=False)


def imagenet(width: int) -> dict[str, torch.Tensor]:
    """Weights of the names and shapes that torchvision's have, the classifier's too."""
    torch.manual_seed(3)
    state = {"classifier.0.weight": torch.randn(4, 4), "classifier.0.bias": torch.randn(4)}
    inputs = 3
    for place, times in PLACES.items():
        state[f"features.{place}.weight"] = torch.randn(times * width, inputs, 3, 3)
        state[f"features.{place}.bias"] = torch.randn(times * width)
        inputs = times * width
    return state


def test_weights_of_torchvisions_names_are_taken(tmp_path):
    state = imagenet(2)
    torch.save(state, tmp_path / "vgg16.pth")
    network = Vgg16(Vgg16Config(2, 32, str(tmp_path / "vgg16.pth"), dense=False, dim=16), 40)
    network.begin()
    mine = network.state_dict()
    assert {name for name in mine if name.startswith("features.")} == {
        name for name in state if name.startswith("features.")
    }
    assert all(torch.equal(mine[name], state[name]) for name in mine if "features" in name)


def test_the_original_has_as_many_weights_as_vgg16s_convolutions():
    network = Vgg16(Vgg16Config(dense=False, dim=512), 40)
    assert sum(p.numel() for p in network.parameters()) == 14_714_688


def test_with_batch_norm_the_layers_are_those_of_vgg16_bn():
    names = Vgg16(Vgg16Config(2, 32, batch_norm=True), 40).features.state_dict()
    assert sum(name.endswith("running_mean") for name in names) == 13
    assert {"0.weight", "1.running_mean", "3.weight", "4.running_mean", "7.weight"} <= set(names)
    assert max(int(name.partition(".")[0]) for name in names) == 41


def test_a_file_that_is_not_what_its_name_promises_is_refused(tmp_path):
    torch.save(imagenet(2), tmp_path / "vgg16.pth")
    digest = hashlib.sha256((tmp_path / "vgg16.pth").read_bytes()).hexdigest()[:8]
    right = (tmp_path / "vgg16.pth").rename(tmp_path / f"vgg16-{digest}.pth")
    network = Vgg16(SMALL, 40)
    network.load_imagenet(right)
    wrong = right.rename(tmp_path / "vgg16-397923af.pth")
    with pytest.raises(TrainingError, match=f"SHA-256 {digest}…, not 397923af…"):
        network.load_imagenet(wrong)


def test_weights_of_another_width_and_missing_files_are_refused(tmp_path):
    torch.save(imagenet(3), tmp_path / "vgg16.pth")
    with pytest.raises(TrainingError, match="VGG16 of width 2"):
        Vgg16(SMALL, 40).load_imagenet(tmp_path / "vgg16.pth")
    with pytest.raises(TrainingError, match=r"There is no .*none.pth"):
        Vgg16(SMALL, 40).load_imagenet(tmp_path / "none.pth")


def test_without_a_dense_layer_the_size_is_given():
    with pytest.raises(TrainingError, match="dim is 256; without a dense layer it must be 16"):
        Vgg16(Vgg16Config(width=2, dense=False), 40)


def test_the_picture_goes_in_thrice_scaled_like_imagenets():
    network = Vgg16(SMALL, 40)
    seen = []
    network.features.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    network(torch.full((1, 40, 57), 0.485))
    assert seen[0].shape == (1, 3, 32, 32)
    expected = [0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]
    assert seen[0][0, :, 7, 9].tolist() == pytest.approx(expected, abs=1e-5)
