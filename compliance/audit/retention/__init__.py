"""How long what is kept: classes by law, legal holds, and the plan of what may go."""
