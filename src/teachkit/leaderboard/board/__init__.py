"""The table of places, and its exports."""
