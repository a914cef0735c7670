"""What regulators and vetted auditors may read, and the record of every such view (DSA Art. 40, 69 and 72)."""
