"""Statements of reasons for people: creators read and complain, moderators decide and review."""
