"""Decisions that were taken elsewhere, put on record here: the same record, the same proofs."""
