"""Graded quizzes and challenges as their author sees them: what they promise, and whether it is so."""
