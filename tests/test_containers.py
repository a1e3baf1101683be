import io
import struct

import numpy as np
import pytest

from voxgate.audio import load
from voxgate.containers import is_mp3, missing_bytes
from voxgate.errors import DamagedAudioError

STATE_THEIR_SIZE = [
    "wav 16 bit",
    "wav mu-law",
    "aiff",
    "mp3",
    "m4a",
    "mp4 video",
    "webm",
    "mkv 16 bit",
]
OGG = ["ogg vorbis", "ogg opus"]


@pytest.mark.parametrize("format", STATE_THEIR_SIZE + OGG)
def test_a_whole_file_misses_nothing(format, words, encoded):
    assert missing_bytes(io.BytesIO(encoded(words, format).read_bytes())) == 0


@pytest.mark.parametrize("format", STATE_THEIR_SIZE)
@pytest.mark.parametrize("missing", [1_500, 5_000])
def test_the_bytes_that_were_cut_off_are_counted(format, missing, words, encoded):
    content = encoded(words, format).read_bytes()
    found = missing_bytes(io.BytesIO(content[:-missing]))
    index_at_the_end = format in {"m4a", "mp4 video"}  # which is not counted
    assert 0 < found <= missing if index_at_the_end else missing - 1 <= found <= missing


@pytest.mark.parametrize("format", OGG)
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_an_ogg_file_cut_within_a_page(format, kept, words, encoded):
    content = encoded(words, format).read_bytes()
    assert missing_bytes(io.BytesIO(content[: round(kept * len(content))])) > 0


def test_an_ogg_file_cut_within_the_header_of_a_page(words, encoded):
    content = encoded(words, "ogg opus").read_bytes()
    last_page = content.rindex(b"OggS")
    assert missing_bytes(io.BytesIO(content[: last_page + 28])) > 0


@pytest.mark.parametrize("format", [*STATE_THEIR_SIZE, *OGG])
def test_half_a_file_is_refused(format, words, encoded):
    content = encoded(words, format).read_bytes()
    with pytest.raises(DamagedAudioError, match=r"is cut short: [\d,]+ bytes that its header"):
        load(content[: len(content) // 2])


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_wav_file_written_into_a_pipe_is_whole(size, words, encoded):
    content = bytearray(encoded(words, "wav 16 bit").read_bytes())
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = struct.pack("<I", size)
    assert np.array_equal(load(bytes(content)), words)


def test_chunks_of_an_odd_length_are_padded(words, encoded):
    content = encoded(words, "wav 16 bit").read_bytes()
    data = content.index(b"data")
    tagged = content[:data] + b"LIST\3\0\0\0abc\0" + content[data:]
    assert missing_bytes(io.BytesIO(tagged)) == 0
    assert missing_bytes(io.BytesIO(tagged[:-1000])) == 1000


def test_a_browser_s_webm_of_unknown_length_is_whole(words, encoded):
    content = encoded(words, "webm").read_bytes()
    size = content.index(b"\x18\x53\x80\x67") + 4
    live = content[:size] + b"\x01" + b"\xff" * 7 + content[size + 8 :]
    assert len(load(live)) == pytest.approx(len(words), abs=1600)


def test_an_mp3_is_known_by_its_first_bytes(words, encoded):
    assert is_mp3(b"ID3\x04")
    assert is_mp3(b"\xff\xfb\x90")
    assert not is_mp3(b"\xff\xf1\x50")  # AAC
    assert not is_mp3(b"RIFF")


@pytest.mark.parametrize(
    "head", [b"RIFF", b"FORM", b"OggS\0", b"\0\0\0\1ftyp", b"\x1aE\xdf\xa3", b"ID3"]
)
@pytest.mark.parametrize("tail", [b"", b"WAVEdata", b"\xff" * 40, bytes(40)])
def test_rubbish_does_not_upset_it(head, tail):
    assert missing_bytes(io.BytesIO(head + tail)) >= 0
