"""A bound on uploads, before anything of them is read into memory or onto the disk."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from compliance.statements.evidence import MOST_BYTES, MOST_FILES

MOST_UPLOAD: Final = MOST_FILES * MOST_BYTES + 256 * 1024
"""Of one request, in bytes: as many files as a complaint takes, and its words."""


class Bounded(FileUploadHandler):
    """First in the row of handlers: looks at the announced length, and lets the next one keep the file."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - the framework's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Refuse (400) what is longer than any page of ours asks for. Raises RequestDataTooBig."""
        if content_length > MOST_UPLOAD:
            raise RequestDataTooBig(f"An upload of {content_length} bytes is more than {MOST_UPLOAD}.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand the bytes on."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
