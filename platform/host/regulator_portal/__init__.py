"""The audit API: what regulators and vetted auditors read, each view on record. No pages."""
