"""The API for decisions taken elsewhere."""
