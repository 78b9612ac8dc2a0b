"""Does it help? Comparisons of methods over data sets, their statistics, their pictures and their report.

Names are loaded when they are first used: reading and running a comparison needs the extra ``bench``, its report the
extra ``report``, and ``import rarelabel.evaluation`` neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rarelabel.evaluation.approaches import Approach as Approach
    from rarelabel.evaluation.approaches import parse_approach as parse_approach
    from rarelabel.evaluation.bayesian import CorrelatedTPosterior as CorrelatedTPosterior
    from rarelabel.evaluation.bayesian import SignedRankPosterior as SignedRankPosterior
    from rarelabel.evaluation.bayesian import bayesian_signed_rank as bayesian_signed_rank
    from rarelabel.evaluation.bayesian import correlated_t_test as correlated_t_test
    from rarelabel.evaluation.cd_diagram import plot_critical_difference as plot_critical_difference
    from rarelabel.evaluation.comparing import compare as compare
    from rarelabel.evaluation.comparing import run_spec as run_spec
    from rarelabel.evaluation.measures import MEASURES as MEASURES
    from rarelabel.evaluation.measures import Measure as Measure
    from rarelabel.evaluation.protocol import Spec as Spec
    from rarelabel.evaluation.protocol import json_schema as json_schema
    from rarelabel.evaluation.protocol import make_spec as make_spec
    from rarelabel.evaluation.protocol import read_spec as read_spec
    from rarelabel.evaluation.protocol import write_toml as write_toml
    from rarelabel.evaluation.report import summarize as summarize
    from rarelabel.evaluation.report import write_report as write_report
    from rarelabel.evaluation.report import write_tables as write_tables
    from rarelabel.evaluation.results import Results as Results
    from rarelabel.evaluation.runner import Progress as Progress
    from rarelabel.evaluation.runner import run as run
    from rarelabel.evaluation.scores import ScoreTable as ScoreTable
    from rarelabel.evaluation.scores import score_table as score_table
    from rarelabel.evaluation.statistics import FriedmanResult as FriedmanResult
    from rarelabel.evaluation.statistics import MeanRanks as MeanRanks
    from rarelabel.evaluation.statistics import NemenyiResult as NemenyiResult
    from rarelabel.evaluation.statistics import friedman as friedman
    from rarelabel.evaluation.statistics import mean_ranks as mean_ranks
    from rarelabel.evaluation.statistics import nemenyi as nemenyi
    from rarelabel.evaluation.store import ResultStore as ResultStore
    from rarelabel.evaluation.wilcoxon import Comparison as Comparison
    from rarelabel.evaluation.wilcoxon import WilcoxonResult as WilcoxonResult
    from rarelabel.evaluation.wilcoxon import wilcoxon_holm as wilcoxon_holm

_HOME = {
    "Approach": "approaches",
    "Comparison": "wilcoxon",
    "CorrelatedTPosterior": "bayesian",
    "FriedmanResult": "statistics",
    "MEASURES": "measures",
    "MeanRanks": "statistics",
    "Measure": "measures",
    "NemenyiResult": "statistics",
    "Progress": "runner",
    "ResultStore": "store",
    "Results": "results",
    "ScoreTable": "scores",
    "SignedRankPosterior": "bayesian",
    "Spec": "protocol",
    "WilcoxonResult": "wilcoxon",
    "bayesian_signed_rank": "bayesian",
    "compare": "comparing",
    "correlated_t_test": "bayesian",
    "friedman": "statistics",
    "json_schema": "protocol",
    "make_spec": "protocol",
    "mean_ranks": "statistics",
    "nemenyi": "statistics",
    "parse_approach": "approaches",
    "plot_critical_difference": "cd_diagram",
    "read_spec": "protocol",
    "run": "runner",
    "run_spec": "comparing",
    "score_table": "scores",
    "summarize": "report",
    "wilcoxon_holm": "wilcoxon",
    "write_report": "report",
    "write_tables": "report",
    "write_toml": "protocol",
}

__all__ = [
    "MEASURES",
    "Approach",
    "Comparison",
    "CorrelatedTPosterior",
    "FriedmanResult",
    "MeanRanks",
    "Measure",
    "NemenyiResult",
    "Progress",
    "ResultStore",
    "Results",
    "ScoreTable",
    "SignedRankPosterior",
    "Spec",
    "WilcoxonResult",
    "bayesian_signed_rank",
    "compare",
    "correlated_t_test",
    "friedman",
    "json_schema",
    "make_spec",
    "mean_ranks",
    "nemenyi",
    "parse_approach",
    "plot_critical_difference",
    "read_spec",
    "run",
    "run_spec",
    "score_table",
    "summarize",
    "wilcoxon_holm",
    "write_report",
    "write_tables",
    "write_toml",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"rarelabel.evaluation.{_HOME[name]}"), name)
    raise AttributeError(f"module 'rarelabel.evaluation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
