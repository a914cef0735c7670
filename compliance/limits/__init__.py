"""Limits of time, kept by the server: minutes of a day, breaks, sleep and pushes (M3, M6; SB 976)."""
