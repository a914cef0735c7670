"""How a SHA-256 is written in an address: 64 lower-case hexadecimal digits."""

from __future__ import annotations


class Sha256:
    """A content address."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        """Return it as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write it as it is."""
        return value
