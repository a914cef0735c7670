"""Statements of reasons (D17): each restriction explained to whom it concerns, open to complaint, and published."""
