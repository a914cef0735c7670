"""Content labels: who an item is suitable for, what is unsafe in it, and who says so."""
