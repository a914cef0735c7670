"""How lists were decided and written down in records of versions 1 and 2: kept as it was, for their replays."""
