"""The report of a comparison: the verdict in words, tables, pictures, and the page that holds them all."""

from rarelabel.evaluation.report.page import write_report
from rarelabel.evaluation.report.summary import Summary, summarize
from rarelabel.evaluation.report.tables import write_tables

__all__ = ["Summary", "summarize", "write_report", "write_tables"]
