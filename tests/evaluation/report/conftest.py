"""Results of made-up comparisons whose differences are known."""

import numpy as np
import pytest

from rarelabel.evaluation.records import DatasetInfo
from rarelabel.evaluation.results import Results

EFFECTS = {
    "none": 0.0,
    "weights": 0.02,
    "thresholds": 0.03,
    "MLSMOTE": 0.05,
    "MLSOL": 0.035,
    "MLROS": 0.015,
    "LPROS": -0.002,
    "MLRUS": -0.05,
    "MLSMOTE+thresholds": 0.055,
}
SIZES = {"birds": 19, "emotions": 6, "enron": 53, "flags": 7, "scene": 6, "yeast": 14}
CLASSIFIERS = ("br-tree", "br-logistic", "cc-tree", "mlknn")
# what a measure has where rare-label F1 is r and the gain is g
MEASURES = {
    "rare_f1": lambda r, g: r + g,
    "macro_f1": lambda r, g: r + 0.12 + 0.6 * g,
    "micro_f1": lambda r, g: r + 0.25 + 0.1 * g,
    "macro_auc": lambda r, g: r + 0.3 + 0.0 * g,
    "map": lambda r, g: r + 0.15 + 0.05 * g,
    "ranking_loss": lambda r, g: 0.5 - r - 0.02 * g,
    "hamming_loss": lambda r, g: 0.3 - 0.5 * r + 0.3 * abs(g),
    "ece": lambda r, g: 0.04 + 0.8 * abs(g),
    "brier": lambda r, g: 0.1 + 0.2 * abs(g),
}


def make(
    *,
    sizes=SIZES,
    effects=EFFECTS,
    classifiers=CLASSIFIERS,
    n_repeats=1,
    n_folds=10,
    n_seeds=1,
    noise=0.008,
    gaps=True,
    vectors=True,
    seed=0,
    label_name="label {}".format,
    **described,
):
    """A comparison in which each approach gains ``effects`` in rare-label F1, and less in the other measures.

    Where ``gaps``: mlknn takes no weights, LPROS fails on a fold of the second data set, MLSOL everywhere on the last.
    """
    rng = np.random.default_rng(seed)
    runs, resamplings, arrays, infos = [], [], {}, []
    for d, (dataset, q) in enumerate(sizes.items()):
        counts = np.sort(rng.integers(3, 400, size=q))[::-1]
        names = tuple(label_name(j) for j in range(q))
        infos.append(
            DatasetInfo(f"f{d}", dataset, 500 + 97 * d, 70, q, False, names, tuple(map(int, counts)), 5.5, 1.8, 0.1)
        )
        ease = rng.uniform(0, 0.3, size=len(classifiers)) / 4 + 0.2 + 0.03 * d
        for repeat, fold, of_seed in np.ndindex(n_repeats, n_folds, n_seeds):
            luck = rng.normal(scale=0.03)
            for approach, effect in effects.items():
                sampler = approach.split("+")[0] not in ("none", "weights", "thresholds")
                same = {"dataset": dataset, "approach": approach, "repeat": repeat, "fold": fold, "seed": of_seed}
                for c, classifier in enumerate(classifiers):
                    key = f"{dataset}|{approach}|{classifier}|{repeat}|{fold}|{of_seed}"
                    run = same | {"key": key, "classifier": classifier, "status": "ok", "error": "", "notes": ""}
                    run |= {"n_train": 450, "n_resampled": 560 if sampler else 450, "n_test": 50}
                    run |= {"absent_train": int(q > 40), "absent_test": int(fold % 3 == 0)}
                    run |= {"cpu_sampler": 0.2 if sampler else 0.0, "cpu_classifier": 0.5 + c, "cpu_measures": 0.01}
                    run |= {"wall": 0.9 + c, "peak_mb": 20.0 if sampler else None}
                    gap = gaps and _gap(approach, classifier, d, fold, len(sizes))
                    if gap:
                        run |= {"status": gap[0], "error": gap[1], "n_resampled": None}
                    else:
                        gain = effect + rng.normal(scale=noise)
                        run |= {name: float(value(ease[c] + luck, gain)) for name, value in MEASURES.items()}
                        if classifier == "br-tree" and fold == 0:
                            run["notes"] = "RuntimeWarning: labels without a positive row were left alone"
                        if vectors:
                            arrays |= _vectors(rng, key, counts, ease[c] + luck, gain)
                    runs.append(run)
                if sampler:
                    resamplings.append(same | {"key": f"{dataset}|{approach}|{fold}"} | _fidelity(rng, approach))
    described = {"command": "rarelabel compare spec.toml --store runs.sqlite"} | described
    described.setdefault("environment", {"python": "3.11.2", "rarelabel": "0.1.0", "platform": "Linux x86_64"})
    described.setdefault("spec", {"datasets": list(sizes), "approaches": list(effects), "folds": n_folds})
    return Results.from_records(runs, resamplings=resamplings, vectors=arrays, datasets=infos, **described)


def _gap(approach, classifier, d, fold, n_datasets):
    if approach == "weights" and classifier == "mlknn":
        return "skipped", "MLkNN takes no class weights"
    if approach == "LPROS" and d == 1 and fold == 3:
        return "failed", "ValueError: every labelset occurs once"
    if approach == "MLSOL" and d == n_datasets - 1 and n_datasets > 1:
        return "failed", "MemoryError: cannot hold 12 GB of distances"
    return None


def _vectors(rng, key, counts, level, gain):
    rare = np.linspace(0, 1, len(counts))
    f1 = np.clip(level + 0.3 * (1 - rare) + gain * 2 * rare + rng.normal(scale=0.03, size=len(counts)), 0, 1)
    f1[-1] = np.nan if counts[-1] < 6 and rng.random() < 0.5 else f1[-1]
    total = np.array([900, 400, 250, 150, 110, 80, 60, 45, 30, 25], dtype=float)
    p = (np.arange(10) + 0.5) / 10
    positives = np.clip(total * (p - 1.5 * abs(gain) * p), 0, total).round()
    return {
        (key, "f1"): f1,
        (key, "average_precision"): np.clip(f1 + 0.05, 0, 1),
        (key, "precision"): np.clip(f1 + 0.02, 0, 1),
        (key, "recall"): np.clip(f1 - 0.02, 0, 1),
        (key, "reliability"): np.stack([total, total * p, positives]),
    }


def _fidelity(rng, approach):
    copies = approach.startswith(("MLROS", "LPROS"))
    if approach.startswith("MLRUS"):
        return {"n_new": 0, "n_removed": 110}
    return {
        "n_new": 110,
        "n_removed": 0,
        "label_frequency_correlation": 0.8 + 0.1 * rng.random(),
        "cardinality_real": 1.8,
        "cardinality_new": 2.3,
        "minority_share_new": 0.61,
        "wasserstein": 0.0 if copies else 0.12,
        "total_variation": None,
        "c2st_auc": 0.5 if copies else 0.83,
        "mmd": 0.001 if copies else 0.02,
        "precision": 0.97,
        "recall": 0.4,
        "density": 1.1,
        "coverage": 0.5,
        "cooccurrence_distance": 0.07,
        "dcr_median": 0.0 if copies else 0.4,
        "dcr_holdout_median": 0.9,
        "nndr_median": 0.0 if copies else 0.5,
        "exact_duplicates": 1.0 if copies else 0.01,
    }


@pytest.fixture(scope="session")
def make_results():
    return make


@pytest.fixture(scope="session")
def results():
    """Six data sets, nine approaches, four classifiers, ten folds: 2,160 runs, some failed or skipped."""
    return make()
