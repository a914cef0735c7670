"""A stand-in for the Transparency Database, with the same validation, for tests and benchmarks."""
