"""Does it help? Comparisons of methods over data sets, their statistics and their pictures."""

from rarelabel.evaluation.bayesian import (
    CorrelatedTPosterior,
    SignedRankPosterior,
    bayesian_signed_rank,
    correlated_t_test,
)
from rarelabel.evaluation.cd_diagram import plot_critical_difference
from rarelabel.evaluation.scores import ScoreTable, score_table
from rarelabel.evaluation.statistics import (
    FriedmanResult,
    MeanRanks,
    NemenyiResult,
    friedman,
    mean_ranks,
    nemenyi,
)
from rarelabel.evaluation.wilcoxon import Comparison, WilcoxonResult, wilcoxon_holm

__all__ = [
    "Comparison",
    "CorrelatedTPosterior",
    "FriedmanResult",
    "MeanRanks",
    "NemenyiResult",
    "ScoreTable",
    "SignedRankPosterior",
    "WilcoxonResult",
    "bayesian_signed_rank",
    "correlated_t_test",
    "friedman",
    "mean_ranks",
    "nemenyi",
    "plot_critical_difference",
    "score_table",
    "wilcoxon_holm",
]
