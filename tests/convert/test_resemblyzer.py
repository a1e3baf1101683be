import numpy as np
import torch
from seeded import weights_of

from voxgate.convert import resemblyzer
from voxgate.convert.checkpoint import Checkpoint, fill
from voxgate.convert.export import LEAST_COSINE, export_network, parity
from voxgate.convert.resemblyzer import GE2E


def network():
    built = GE2E(40, 24, 16)
    return fill(built, Checkpoint(weights_of(built)), "resemblyzer")


def test_its_size_is_read_from_the_weights():
    again = resemblyzer.build(Checkpoint(network().state_dict()))
    assert {k: v.shape for k, v in again.state_dict().items()} == {
        k: v.shape for k, v in network().state_dict().items()
    }


def test_its_embedding_follows_the_definition():
    ge2e = network()
    x = torch.from_numpy(np.abs(np.random.default_rng(0).normal(0, 1, (2, 160, 40))).astype("f"))
    with torch.no_grad():
        _, (hidden, _) = ge2e.lstm(x)  # the last state of the last layer
        raw = ge2e.linear(hidden[-1]).clamp(min=0)
        assert torch.allclose(ge2e(x), raw / raw.norm(dim=1, keepdim=True), atol=1e-6)


def test_the_exported_model_gives_the_same_embeddings_in_any_batch():
    ge2e = network()
    model = export_network(ge2e, 40, frames=160)
    tried = np.abs(np.random.default_rng(1).normal(0, 1, (3, 160, 40))).astype(np.float32)
    assert parity(ge2e, model, [tried, tried[:1]]) >= LEAST_COSINE
