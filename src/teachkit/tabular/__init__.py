"""Regression on tables: many random splits, honest errors in the unit of the target, and hunting for leaks."""
