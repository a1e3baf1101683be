import torch
from corpus import EXPERIMENT

from voxgate.train.batches import fine_tune_sampling, share_of
from voxgate.train.config import read_experiment


def batch(rows):
    number = torch.arange(rows)
    return number[:, None].float(), number, number[:, None].float()


def test_the_shares_of_all_processes_are_the_batch():
    shares = [share_of(batch(12), rank, 3, 2) for rank in range(3)]
    assert torch.cat([labels for _, labels, _ in shares]).tolist() == list(range(12))
    assert all(len(labels) == 4 for _, labels, _ in shares)


def test_crops_of_one_speaker_go_to_one_process_and_all_get_as_many():
    shares = [share_of(batch(10), rank, 2, 2)[1].tolist() for rank in range(2)]
    assert shares == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_one_process_takes_the_whole_batch():
    assert share_of(batch(7), 0, 1, 2)[1].tolist() == list(range(7))


def test_rows_of_the_last_phase_are_longer_and_filled_by_longer_crops(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(EXPERIMENT.format(steps=4) + "\n[fine_tune]\nsteps = 2\nrow_s = 3.0\n")
    sampling = fine_tune_sampling(read_experiment(path))
    assert (sampling.row_s, sampling.crop_s) == (3.0, (0.5, 1.0, 3.0))
