"""The first form of policy (records of versions 1 and 2): kept as it was, so that what it decided replays for ever."""
