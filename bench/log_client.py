"""A client of the log over HTTP that trusts the log's key and nothing else: it verifies what it fetches."""

from __future__ import annotations

from http.client import HTTPConnection

from compliance.audit.log.note import Checkpoint, VerifierKey, open_note, parse_checkpoint
from compliance.audit.log.paths import ENTRIES, TILE_WIDTH, tile_path
from compliance.audit.log.reading import split_entries, split_hashes
from compliance.audit.log.tree import inclusion_proof, leaf_hash, roll_up, verify_inclusion


class LogClient:
    """Keeps one connection and no tile: every proof is fetched from the beginning."""

    def __init__(self, port: int, key: VerifierKey) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._key = key

    def proof(self, index: int) -> bytes:
        """An entry that is proved to be under the checkpoint of this moment. Raises what verifying raises."""
        head = self._head()
        entry = split_entries(self._get(self._path(ENTRIES, index // TILE_WIDTH, head.size)))[index % TILE_WIDTH]
        rows: dict[tuple[int, int], list[bytes]] = {}

        def read(height: int, place: int) -> bytes:
            level, inside = divmod(height, 8)
            number, at = divmod(place << inside, TILE_WIDTH)
            if (level, number) not in rows:
                rows[level, number] = split_hashes(self._get(self._path(level, number, head.size >> 8 * level)))
            return roll_up(rows[level, number][at : at + (1 << inside)], inside)[0]

        path = inclusion_proof(index, head.size, read)
        verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
        return entry

    def _head(self) -> Checkpoint:
        return parse_checkpoint(open_note(self._get("checkpoint").decode(), [self._key]).text)

    def _path(self, kind: int | str, number: int, count: int) -> str:
        return tile_path(kind, number, min(TILE_WIDTH, count - number * TILE_WIDTH))

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", f"/log/{path}")
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise ValueError(f"/log/{path} answered {answer.status}.")
        return content
