"""Sending statements to the DSA Transparency Database: body, rules, scrubber, client, reconciliation (D24)."""
