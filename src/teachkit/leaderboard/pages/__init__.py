"""Pages that explain, and what every page shares."""
