"""The doctor: looks at everything that the course needs, and says what to do where something is missing."""

from teachkit.ops.doctor.examination import examine as examine
from teachkit.ops.doctor.examination import summary as summary
from teachkit.ops.doctor.report import write_report as write_report

__all__ = ["examine", "summary", "write_report"]
