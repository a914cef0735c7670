"""Pages and API of a person's age group. A plain package, not an app."""
