"""Proofs that a control acts, and on nothing else: the next list, decided again without it, through the same pipeline.

`taking` says what is taken away, `again` decides, `judging` compares.
"""
