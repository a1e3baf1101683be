import numpy as np
import pytest
from scipy.fft import dct

from voxgate.features import (
    FLOOR_DB,
    Framing,
    PowerStream,
    dct_ii,
    decibels,
    frames,
    hann,
    hz_to_mel,
    mel_edges_hz,
    mel_filters,
    mel_to_hz,
    mfcc,
    stft_power,
)

SMALL = Framing(sample_rate_hz=8, window=4, hop=2, fft_size=4)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


def sine(frequency_hz: float, seconds: float = 1.0, sample_rate_hz: int = 16_000) -> np.ndarray:
    times = np.arange(int(seconds * sample_rate_hz)) / sample_rate_hz
    return np.sin(2 * np.pi * frequency_hz * times).astype(np.float32)


def test_frames_overlap_and_share_memory_with_the_samples():
    samples = np.arange(7, dtype=np.float32)
    cut = frames(samples, window=4, hop=2)
    assert cut.tolist() == [[0, 1, 2, 3], [2, 3, 4, 5]]
    assert np.shares_memory(cut, samples)


def test_fewer_samples_than_a_window_give_no_frame():
    assert frames(np.zeros(3, np.float32), window=4, hop=2).shape == (0, 4)


def test_the_hann_window_is_periodic():
    assert hann(4) == pytest.approx([0, 0.5, 1, 0.5])


def test_a_constant_gives_power_by_hand():
    # The window [0, .5, 1, .5] scaled by 2 / sum is [0, .5, 1, .5]; over silence, then ones,
    # its sums are 1.5 at the left edge, 2 inside and 0.5 at the end.
    power = stft_power(np.ones(4, np.float32), SMALL)
    assert power[:, 0] == pytest.approx([1.5**2, 2.0**2, 0.5**2])


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 1600])
def test_there_is_a_frame_at_every_hop_from_the_start_to_the_end(samples):
    assert stft_power(noise(samples), Framing()).shape == (1 + samples // 160, 257)


def test_power_follows_the_definition_of_the_fourier_transform():
    waveform = noise(40)
    framing = Framing(sample_rate_hz=16_000, window=16, hop=8, fft_size=16)
    window = hann(16) * 2 / hann(16).sum()
    frame = waveform[8:24] * window  # centred on sample 16, which is frame 2
    bins = [np.abs(np.sum(frame * np.exp(-2j * np.pi * k * np.arange(16) / 16))) for k in range(9)]
    assert stft_power(waveform, framing)[2] == pytest.approx(np.square(bins), rel=1e-4)


def test_a_full_scale_sine_peaks_at_zero_db_in_its_own_bin():
    framing = Framing(window=512, hop=256, fft_size=512)
    level = decibels(stft_power(sine(1000), framing))
    inside = level[2:-2]
    assert framing.frequencies_hz[32] == 1000
    assert (inside.argmax(axis=1) == 32).all()
    assert inside.max(axis=1) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("sizes", [[1000], [1] * 1000, [159, 1, 700, 140], [0, 1000]])
@pytest.mark.parametrize("hop", [160, 50, 450])
def test_a_stream_of_blocks_gives_the_same_as_the_whole(sizes, hop):
    waveform, framing = noise(1000), Framing(hop=hop)
    stream, start, parts = PowerStream(framing), 0, []
    for size in sizes:
        parts.append(stream.push(waveform[start : start + size]))
        start += size
    parts.append(stream.flush())
    assert np.concatenate(parts) == pytest.approx(stft_power(waveform, framing), rel=1e-4)


def test_the_mel_scale_is_that_of_htk():
    assert hz_to_mel(np.array([0.0, 700.0])) == pytest.approx([0, 2595 * np.log10(2)])
    assert hz_to_mel(np.array([1000.0])) == pytest.approx(1000, abs=0.1)
    assert mel_to_hz(hz_to_mel(np.array([50.0, 7999.0]))) == pytest.approx([50, 7999])


def test_mel_edges_are_evenly_spaced_in_mel():
    edges = mel_edges_hz(40, 20, 7600)
    assert edges[[0, -1]] == pytest.approx([20, 7600])
    assert np.diff(hz_to_mel(edges)) == pytest.approx(np.diff(hz_to_mel(edges))[0])


def test_a_mel_filter_is_a_triangle_of_height_one():
    framing = Framing(sample_rate_hz=16, window=16, hop=1, fft_size=16)  # bins at 0, 1 ... 8 Hz
    filters = mel_filters(np.array([0.0, 2.0, 6.0]), framing)
    assert filters.tolist() == [[0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0, 0]]


def test_neighbouring_mel_filters_sum_to_one_between_the_first_and_last_peak():
    framing = Framing()
    edges = mel_edges_hz(20, 100, 8000)
    total = mel_filters(edges, framing).sum(axis=0)
    between = (framing.frequencies_hz >= edges[1]) & (framing.frequencies_hz <= edges[-2])
    assert total[between] == pytest.approx(1, abs=1e-5)


def test_decibels_have_a_floor():
    assert decibels(np.array([1.0, 0.01, 0.0])) == pytest.approx([0, -20, FLOOR_DB])


def test_the_cosine_transform_follows_its_definition():
    row = noise(5)
    sums = [sum(row[i] * np.cos(np.pi * k * (2 * i + 1) / 10) for i in range(5)) for k in range(5)]
    scale = np.sqrt([1 / 5, 2 / 5, 2 / 5, 2 / 5, 2 / 5])
    assert dct_ii(row[None], 5)[0] == pytest.approx(scale * sums, abs=1e-5)


def test_the_cosine_transform_keeps_lengths_and_agrees_with_scipy():
    rows = noise(60).reshape(3, 20)
    assert np.linalg.norm(dct_ii(rows, 20), axis=1) == pytest.approx(
        np.linalg.norm(rows, axis=1), rel=1e-5
    )
    assert dct_ii(rows, 8) == pytest.approx(dct(rows, norm="ortho")[:, :8], abs=1e-5)


def test_a_flat_mel_spectrum_has_only_the_first_cepstral_coefficient():
    # Nine bands of 10 dB: c0 = sqrt(9) * 10, all others 0.
    assert mfcc(np.full((1, 9), 10.0), 3)[0] == pytest.approx([30, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"window": 513}, {"hop": 0}, {"sample_rate_hz": 0}]
)
def test_a_framing_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Framing(**wrong)
