"""The transparency log as files and text: C2SP tlog-tiles, checkpoints, receipts, witness. No Django, no database."""
