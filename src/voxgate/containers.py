"""Tell from the structure of a sound file whether its end is missing.

Decoders accept a file that was cut short and quietly return what is there. Yet most formats say
how long they are, or are made of parts that do: WAV, AIFF, MP3 with a Xing header, Ogg, MP4 and
Matroska. Nothing is decoded here; a few headers are read.
"""

import os
import struct
from collections.abc import Callable
from typing import BinaryIO

_KINDS = (
    "3gp aac aif aiff amr au avi caf flac gsm m4a m4b mka mkv mov mp2 mp3 mp4 mpeg mpg oga ogg "
    "opus snd spx w64 wav weba webm wma wv"
)
# What counts as a recording inside a folder; a file that is named is always tried.
RECORDING_SUFFIXES = {f".{kind}" for kind in _KINDS.split()}
_STREAMED = 0x7FFF_0000  # sizes from here on (or 0) stand for "unknown", as written into a pipe
_TOLERANCE = 64  # bytes: some programs count their own header or a padding byte too much
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255
_MP4_BOXES = {b"ftyp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid", b"sidx"}


def missing_bytes(file: BinaryIO) -> int:
    """Count the bytes by which a file is shorter than it says of itself.

    Args:
        file: open and able to seek; its position is moved.

    Returns:
        How many bytes are missing; 0 where none are, or where it cannot be told.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(16)
    for matches, promised in _FORMATS:
        if matches(head):
            short_by = promised(file, size) - size
            return short_by if short_by > _TOLERANCE else 0
    return 0


def _end_of_wav(file: BinaryIO, size: int) -> int:
    return _end_of_chunk(file, size, name=b"data", header="<4sI")


def _end_of_aiff(file: BinaryIO, size: int) -> int:
    return _end_of_chunk(file, size, name=b"SSND", header=">4sI")


def _end_of_chunk(file: BinaryIO, size: int, *, name: bytes, header: str) -> int:
    """Walk the chunks of an IFF file to the one that holds the samples."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        found, length = struct.unpack(header, file.read(8))
        if found == name:
            return 0 if length == 0 or length >= _STREAMED else position + 8 + length
        position += 8 + length + length % 2
    return 0


def _end_of_mp4(file: BinaryIO, size: int) -> int:
    """Walk the boxes (ISO/IEC 14496-12, section 4.2) until one ends beyond the file."""
    position = 0
    while position + 16 <= size:
        file.seek(position)
        length, name, long_length = struct.unpack(">I4sQ", file.read(16))
        if name not in _MP4_BOXES or length == 0:  # 0: to the end of the file
            return 0
        position += max(long_length, 16) if length == 1 else max(length, 8)
    return position


def _end_of_ogg(file: BinaryIO, size: int) -> int:
    """Where the last page ends (RFC 3533, section 6)."""
    start = max(0, size - _LARGEST_OGG_PAGE)
    file.seek(start)
    tail = file.read(_LARGEST_OGG_PAGE)
    page = tail.rfind(b"OggS\x00")
    if page < 0:
        return 0
    lengths = page + 27
    if lengths > len(tail) or lengths + tail[lengths - 1] > len(tail):
        return size + _TOLERANCE + 1  # the page's own header is cut
    count = tail[lengths - 1]
    return start + lengths + count + sum(tail[lengths : lengths + count])


def _end_of_matroska(file: BinaryIO, size: int) -> int:
    """Where the one segment of a Matroska or WebM file ends (RFC 8794, sections 4 and 5)."""
    position = 4 + sum(_ebml_size(file, 4))
    file.seek(position)
    if file.read(4) != b"\x18\x53\x80\x67":
        return 0
    width, length = _ebml_size(file, position + 4)
    unknown = length == (1 << 7 * width) - 1  # as a browser writes it while it records
    return 0 if unknown else position + 4 + width + length


def _ebml_size(file: BinaryIO, position: int) -> tuple[int, int]:
    """Read a variable-length size: its own width in bytes, and its value."""
    file.seek(position)
    octets = file.read(8)
    if not octets or octets[0] == 0:
        return 0, 0
    width = 9 - octets[0].bit_length()
    return width, int.from_bytes(octets[:width], "big") & ((1 << 7 * width) - 1)


def _end_of_mp3(file: BinaryIO, size: int) -> int:
    """Where the Xing or Info header in the first frame says that the last frame ends."""
    file.seek(0)
    tag = file.read(10)
    first_frame = 0
    if tag[:3] == b"ID3" and len(tag) == 10:
        first_frame = 10 + sum(octet << 7 * place for place, octet in enumerate(tag[:5:-1]))
    file.seek(first_frame)
    frame = file.read(256)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return 0
    flags, *values = struct.unpack(">III", frame[at + 4 : at + 16])
    if not flags & 2:
        return 0
    length: int = values[flags & 1]  # the number of frames comes first, where there is one
    return first_frame + length


def is_mp3(head: bytes) -> bool:
    """Say whether a file that begins so is an MP3, or has the tag that precedes one."""
    layer_3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return layer_3 or head[:3] == b"ID3"


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], int]], ...] = (
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE", _end_of_wav),
    (lambda head: head[:4] == b"FORM" and head[8:11] == b"AIF", _end_of_aiff),
    (lambda head: head[:4] == b"OggS", _end_of_ogg),
    (lambda head: head[4:8] == b"ftyp", _end_of_mp4),
    (lambda head: head[:4] == b"\x1a\x45\xdf\xa3", _end_of_matroska),
    (is_mp3, _end_of_mp3),
)
