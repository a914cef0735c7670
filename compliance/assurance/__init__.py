"""Age assurance: signals of an age tier, double-blind proofs, and contests. Never a birth date (M1; DSA Art. 28)."""
