"""Changing a service's policy set: proposed, tried on recorded traffic, proved, approved by somebody else, in force."""
