"""Witnesses of the log: asked over HTTP to cosign, their cosignatures kept and published, their absence counted."""
