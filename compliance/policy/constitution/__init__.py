"""The constitution: principles over a finished slate, their exact minimal repair, and an independent verifier."""
