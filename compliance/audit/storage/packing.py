"""How bytes are made small: zstd with a trained dictionary for records, zlib for clear blobs.

Dictionaries are numbered files beside this module and are never changed: what was packed with one needs it for ever.
Number 0 is none. They are trained on made-up slates only (`bench/dictionary.py`): nobody's record is in one.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import zstandard

DICTIONARIES: Final = Path(__file__).parent / "dictionaries"
LEVEL: Final = 9
USUAL_BYTES: Final = 64 * 1024
MOST_BYTES: Final = 16 * 1024 * 1024
"""What a packed document may unpack to: a changed length must not fill the memory."""


class NotUnpacked(ValueError):
    """Packed bytes cannot be unpacked: they were changed, or their dictionary is not here."""


def newest_dictionary() -> int:
    """The number of the dictionary that new documents are packed with; 0 where there is none."""
    return _numbers()[-1]


def known_dictionaries() -> tuple[int, ...]:
    """The numbers of all dictionaries that are here, 0 (none) first."""
    return _numbers()


def pack(content: bytes, *, dictionary: int) -> bytes:
    """Compress a document. The same content, dictionary and library give the same bytes."""
    return _coders.compressor(dictionary, LEVEL).compress(content)


def packer(*, dictionary: int, level: int) -> Callable[[bytes], bytes]:
    """`pack` for many documents, for this thread alone."""
    return _coders.compressor(dictionary, level).compress


def unpack(packed: bytes, *, dictionary: int) -> bytes:
    """Decompress a document. Raises NotUnpacked."""
    if dictionary not in _numbers():
        raise NotUnpacked(f"There is no dictionary {dictionary}: install the release that brought it.")
    unpacker = _coders.decompressor(dictionary)
    try:
        try:
            return unpacker.decompress(packed, max_output_size=USUAL_BYTES)
        except zstandard.ZstdError:  # longer than most are, or changed: the room for the longest takes its time to get
            return unpacker.decompress(packed, max_output_size=MOST_BYTES)
    except zstandard.ZstdError as error:
        raise NotUnpacked(f"Packed bytes are not as they were written: {error}.") from error


def pack_bytes(content: bytes) -> bytes:
    """Compress a clear blob, quickly."""
    return zlib.compress(content, 1)


def unpack_bytes(stored: bytes) -> bytes:
    """Decompress. What does not, or has more behind it, comes back as stored: its hash tells that it was changed."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(stored)
    except zlib.error:
        return stored
    return content if unpacker.eof and not unpacker.unused_data else stored


@lru_cache(maxsize=1)
def _numbers() -> tuple[int, ...]:
    return (0, *sorted(int(path.stem) for path in DICTIONARIES.glob("*.zdict")))


def dictionary_bytes(number: int) -> bytes:
    """A dictionary's own bytes; empty for none."""
    return (DICTIONARIES / f"{number}.zdict").read_bytes() if number else b""


@lru_cache(maxsize=64)
def _dictionary(number: int) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(dictionary_bytes(number)) if number else None


class _Coders(threading.local):
    """One thread's compressors and decompressors, by dictionary: they must not be shared between threads."""

    def __init__(self) -> None:
        self.compressors: dict[tuple[int, int], zstandard.ZstdCompressor] = {}
        self.decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def compressor(self, number: int, level: int) -> zstandard.ZstdCompressor:
        if (number, level) not in self.compressors:
            # Neither checksum nor dictionary id, which the seal around the bytes covers, nor a length.
            how = zstandard.ZstdCompressionParameters.from_level(
                level, write_checksum=False, write_dict_id=False, write_content_size=False
            )
            coder = zstandard.ZstdCompressor(dict_data=_dictionary(number), compression_params=how)
            self.compressors[number, level] = coder
        return self.compressors[number, level]

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        if number not in self.decompressors:
            self.decompressors[number] = zstandard.ZstdDecompressor(dict_data=_dictionary(number))
        return self.decompressors[number]


_coders = _Coders()
