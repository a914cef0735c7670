#!/usr/bin/env python3
"""Read the record in an evidence bundle offline. One file, for whoever has nothing else of ours.

    python open_evidence.py BUNDLE.zip OPENING.json

First have `verify_evidence.py` say that the bundle holds. This opens the very bytes that were logged, with the key of
that one record (`manage.py audit opening ID`, on the order of two people), and prints what they say. Needs
`cryptography`, and Python 3.14 or the package `zstandard`. Exit status: 0 opened, 1 the bytes do not open, 2 a file
cannot be read.

A list's record is printed in its short form: of `output.items` each column holds one value for each place, and the id
and the model's address stand in the opening (`event_id`, `bound`).
"""

from __future__ import annotations

import base64
import json
import sys
import zipfile
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MOST_BYTES = 16 * 1024 * 1024


def unpack(packed: bytes, dictionary: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.decompress(packed, zstd.ZstdDict(dictionary) if dictionary else None)
    import zstandard

    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdDecompressor(dict_data=known).decompress(packed, max_output_size=MOST_BYTES)


def read(sealed: bytes, opening: dict[str, Any]) -> Any:
    head, nonce, ciphertext = sealed[:3], sealed[3:15], sealed[15:]  # form, dictionary (uint16); 12 bytes; and a tag
    if head[:1] != b"\x02":
        raise ValueError("These bytes are not sealed: read them as they are.")
    packed = AESGCM(bytes.fromhex(opening["key"])).decrypt(nonce, ciphertext, head + bytes.fromhex(opening["bound"]))
    return json.loads(unpack(packed, base64.b64decode(opening["dictionary"])))


def main() -> int:
    if len(sys.argv) != 3:
        sys.stdout.write(__doc__ or "")
        return 2
    try:
        with zipfile.ZipFile(sys.argv[1]) as archive:
            sealed = archive.read("record")
        with open(sys.argv[2], "rb") as file:  # noqa: PTH123 - one import less
            document = read(sealed, json.load(file))
    except InvalidTag:
        sys.stdout.write("FAILS: these bytes were not sealed with this key, or one of them was changed.\n")
        return 1
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
        sys.stdout.write(f"UNREADABLE: {ascii(error)[:500]}\n")
        return 2
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")  # ASCII: a record cannot move the cursor
    return 0


if __name__ == "__main__":
    sys.exit(main())
