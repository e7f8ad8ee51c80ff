"""Lessons on a machine of the cloud: the plan and its price, the run, what runs there, what comes back."""
