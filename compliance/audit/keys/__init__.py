"""Subjects' keys: wrapped in the database, under keys that are files outside it; destroying one erases a person."""
