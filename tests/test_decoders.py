import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from encoding import FORMATS, silent_video, tones

from voxgate.audio import SAMPLE_RATE, load, open_audio
from voxgate.decoders import PyavDecoder
from voxgate.errors import DamagedAudioError, UnreadableAudioError

LEAST_CORRELATION = {  # with the original; by how lossy the coding is
    "wav 8 bit": 0.995,
    "mkv 8 bit": 0.995,
    "wav mu-law": 0.999,
    "wav a-law": 0.999,
    "ogg vorbis": 0.98,
    "ogg opus": 0.98,
    "mp3": 0.98,
    "m4a": 0.98,
    "aac": 0.98,
    "webm": 0.98,
    "mp4 video": 0.98,
}
CODECS = {
    "wav 8 bit": "pcm_u8",
    "wav mu-law": "ulaw",
    "flac": "flac",
    "ogg vorbis": "vorbis",
    "ogg opus": "opus",
    "mp3": "mp3",
    "m4a": "aac",
    "webm": "opus",
    "mp4 video": "aac",
}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest normalised correlation of two sounds, whichever way they are shifted."""
    size = 2 * max(len(a), len(b))
    products = np.fft.irfft(np.fft.rfft(a, size).conj() * np.fft.rfft(b, size))
    return products.max() / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_back_the_sound_that_went_in(format, words, encoded):
    waveform = load(encoded(words, format))
    assert waveform.dtype == np.float32
    assert len(waveform) == pytest.approx(len(words), abs=0.15 * SAMPLE_RATE)
    least = LEAST_CORRELATION.get(format, 0.99999)
    assert correlation(words, waveform) > least


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_keeps_the_level(format, words, encoded):
    assert load(encoded(words, format)).std() == pytest.approx(words.std(), rel=0.1)


@pytest.mark.parametrize("format", CODECS)
def test_info_says_what_the_file_is(format, words, encoded):
    with open_audio(encoded(words, format)) as stream:
        assert stream.name == encoded(words, format).name
        assert stream.info.codec == CODECS[format]
        assert stream.info.channels == 1
        assert stream.info.sample_rate_hz == (48_000 if format == "webm" else 16_000)
        assert stream.info.duration_s == pytest.approx(len(words) / SAMPLE_RATE, abs=0.15)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count_becomes_mono_at_16_khz(rate, channels, encoded):
    gains = np.linspace(0, 2, channels) if channels > 1 else np.ones(1)  # 1 on average
    path = encoded(np.outer(tones(rate), gains), "wav float", rate=rate)
    waveform, expected = load(path), tones(SAMPLE_RATE)
    assert len(waveform) == pytest.approx(len(expected), abs=1)
    inner = slice(800, 15_200)  # soxr rings for some milliseconds at the ends
    assert np.abs(waveform[inner] - expected[inner]).max() < 2e-3


@pytest.mark.parametrize(
    ("format", "channels"), [("m4a", 2), ("webm", 2), ("mkv 16 bit", 2), ("mkv 16 bit", 6)]
)
def test_channels_of_files_that_pyav_reads_are_averaged(format, channels, encoded):
    gains = np.linspace(0, 2, channels)
    waveform = load(encoded(np.outer(tones(48_000), gains), format, rate=48_000))
    expected = tones(SAMPLE_RATE)
    assert waveform[3000:13_000].std() == pytest.approx(expected.std(), rel=0.05)
    assert correlation(waveform, expected) > 0.95


def test_the_extension_does_not_matter(words, encoded, tmp_path):
    for format, name in [("flac", "a.raw"), ("wav 16 bit", "b.mp3"), ("m4a", "c.wav")]:
        path = encoded(words, format).rename(tmp_path / name)
        assert len(load(path)) == pytest.approx(len(words), abs=0.15 * SAMPLE_RATE)


def test_the_first_sound_track_of_a_video_is_read_in_bounded_blocks(encoded):
    path = encoded(np.tile(tones(16_000), 25), "mp4 video")
    with open_audio(path) as stream:
        lengths = [len(block) for block in stream]
    assert lengths == pytest.approx([160_000, 160_000, 80_000], abs=5000)


@pytest.mark.parametrize("format", ["flac", "aac"])
@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_formats_of_unstated_size_that_are_cut_short(format, kept, words, encoded):
    content = encoded(words, format).read_bytes()
    with pytest.raises(DamagedAudioError, match="cannot be decoded to its end"):
        load(content[: round(kept * len(content))])


def test_a_flac_file_cut_between_two_frames(words, encoded):
    content = bytearray(encoded(words, "flac").read_bytes())
    content[22:26] = (len(words) + 16_000).to_bytes(4, "big")  # samples in all, as it says
    with pytest.raises(DamagedAudioError, match="cannot be decoded to its end"):
        load(bytes(content))


def test_an_opus_file_that_lacks_a_page_in_the_middle(ada, encoded):
    pages = encoded(ada, "ogg opus").read_bytes().split(b"OggS")
    del pages[5]
    with pytest.raises(DamagedAudioError, match="cannot be decoded to its end"):
        load(b"OggS".join(pages))


def test_damage_in_the_middle(words, encoded):
    content = bytearray(encoded(words, "flac").read_bytes())
    half = len(content) // 2
    content[half : half + 4000] = bytes(4000)
    with pytest.raises(DamagedAudioError, match="cannot be decoded to its end"):
        load(bytes(content))


def test_junk_between_the_frames_of_an_mp3_is_stepped_over(words, encoded):
    content = encoded(words, "mp3").read_bytes()
    half = len(content) // 2
    waveform = load(content[:half] + b"APETAGEX" + bytes(300) + content[half:])
    assert len(waveform) == pytest.approx(len(words), abs=0.15 * SAMPLE_RATE)


def test_a_wav_file_of_which_nothing_but_the_header_was_written(encoded):
    with pytest.raises(UnreadableAudioError, match="holds no sound"):
        load(encoded(np.zeros(0, np.float32), "wav 16 bit"))


def test_a_playlist_is_not_followed(voice, tmp_path):
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{voice('ada', 1)}\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.m4a").write_text(listed)
    with pytest.raises(UnreadableAudioError, match="cannot be read as sound"):
        open_audio(tmp_path / "list.m4a")


def test_a_video_without_sound(tmp_path):
    (tmp_path / "mute.mp4").write_bytes(silent_video())
    with pytest.raises(UnreadableAudioError, match=r"mute\.mp4 has no sound track"):
        open_audio(tmp_path / "mute.mp4")


def test_a_sound_track_of_an_unknown_coding(words, encoded):
    content = encoded(words, "mkv 16 bit").read_bytes()
    with pytest.raises(UnreadableAudioError, match="cannot be decoded here"):
        load(content.replace(b"A_PCM/INT/LIT", b"A_PCM/XYZ/LIT"))


def test_only_files_that_need_pyav_import_it(encoded, words):
    code = (
        "import sys, voxgate.audio as a; early = {'soundfile', 'soxr', 'av'} & set(sys.modules);"
        "a.load(sys.argv[1]); print(len(early), 'av' in sys.modules)"
    )
    for format, answer in [("wav 16 bit", "0 False"), ("m4a", "0 True")]:
        command = [sys.executable, "-c", code, str(encoded(words, format))]
        assert subprocess.check_output(command, text=True).strip() == answer


class FrameOf:
    """A frame of so many channels, whose samples must not be looked at."""

    samples, sample_rate = 1024, 16_000

    def __init__(self, channels):
        self.layout = SimpleNamespace(channels=range(channels))

    def to_ndarray(self):
        raise AssertionError("this is where PyAV reads memory that is not the frame's")


def test_a_frame_of_more_channels_than_pyav_can_give_is_never_read(ada, encoded):
    path = encoded(ada, "aac")
    with path.open("rb") as file:
        decoder = PyavDecoder(file, "x.aac", b"")
        decoder._frames = iter([FrameOf(22)])
        with pytest.raises(DamagedAudioError, match="22 channels; at most 8"):
            next(decoder.blocks())
        decoder.close()
