"""What is asked: suites with dates, limits and labels."""
