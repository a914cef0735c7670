"""A whole house of real processes that a benchmark may break: web, worker, sequencer, broker and database."""
