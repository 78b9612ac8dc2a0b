"""The report of a comparison: the verdict in words, tables, pictures, and the page that holds them all."""

from rarelabel.evaluation.report.summary import Summary, summarize

__all__ = ["Summary", "summarize"]
