"""The report: a small static site about one run, readable without a network."""

from teachkit.course.report.site import write_report as write_report

__all__ = ["write_report"]
