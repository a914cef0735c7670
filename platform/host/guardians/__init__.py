"""Pages and API of guardians, children and limits of time. A plain package, not an app."""
