"""Densities of real and generated columns of the rarer class, four data sets, as one SVG for each.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python densities.py FOLDER_OF_PICTURES --data vehicle1 segment0 yeast1 page-blocks0

writes ``semres_density_DATA.svg``. All rows of a set are given to the samplers. Of each set the six columns of
numbers with the most distinct values in the rarer class are drawn. The densities are Gaussian kernel estimates of
Silverman's width (0.9 min(sd, IQR / 1.34) n^(-1/5), or sd where the IQR is 0), that of the real column for all, from
the 2nd to the 98th percentile of the real column and 15 % more on either side: long tails would leave nothing to see.
Beside each name the 1-Wasserstein distance of SEMRes-DDPM's column, in standard deviations of the real one, tails
and all.
"""

import argparse
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
from data import load
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde
from study import filled, resampled

from rarelabel.metrics import wasserstein_per_column
from rarelabel.registry import make_sampler

COLOURS = {"real": "#222222", "SEMResDDPM": "#d55e00", "TabDDPM": "#0072b2", "CWGANGP": "#009e73", "SMOTE": "#cc79a7"}
COLUMNS = 6


def rows_of(dataset, samplers, seed, parameters):
    """Real and new rows of the rarer class by name, and the distances of the first sampler's columns."""
    everything = np.arange(len(dataset.Y))
    X, Y = filled(dataset, everything), dataset.Y
    found = {"real": X[Y[:, Y.sum(axis=0).argmin()]]}
    for name in samplers:
        given = parameters if name in ("SEMResDDPM", "TabDDPM", "CWGANGP") else {}
        X_res, _ = resampled(make_sampler(name, random_state=seed, **given), X, Y, dataset.schema)
        found[name] = X_res[len(Y) :]
    return found, wasserstein_per_column(found["real"], found[samplers[0]], schema=dataset.schema)


def density(values, width, at):
    """Of a column; one without spread has none."""
    spread = values.std(ddof=1)
    return gaussian_kde(values, width / spread)(at) if spread > 0 else np.full(len(at), np.nan)


def silverman(values):
    """Width of the kernel."""
    spread, quartiles = values.std(ddof=1), np.subtract(*np.percentile(values, (75, 25))) / 1.34
    return 0.9 * (min(spread, quartiles) or spread) * len(values) ** -0.2


def picture(dataset, rows, distances):
    real = rows["real"]
    distinct = np.array([len(np.unique(column)) for column in real.T]) * ~dataset.schema.is_category
    chosen = np.sort(np.argsort(-distinct, kind="stable")[:COLUMNS])
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots(2, COLUMNS // 2).ravel()
    for ax, column in zip(axes, chosen[distinct[chosen] > 1], strict=False):
        low, high = np.percentile(real[:, column], (2, 98))
        if low == high:
            low, high = real[:, column].min(), real[:, column].max()
        at = np.linspace(low - 0.15 * (high - low), high + 0.15 * (high - low), 120)
        width = silverman(real[:, column])
        for name, values in rows.items():
            style = {"color": COLOURS[name], "linewidth": 2.2 if name == "real" else 1.2, "label": name}
            ax.plot(at, density(values[:, column], width, at), **style)
        ax.set_title(f"{dataset.schema.feature_names[column]}, {distances[column]:.2f}", fontsize="small")
        ax.set(yticks=[], ylim=(0, None))
        ax.tick_params(labelsize="x-small")
    for ax in axes:
        ax.set_visible(bool(ax.lines))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(rows), frameon=False, fontsize="small")
    sizes = ", ".join(f"{name}: {len(values):,} rows" for name, values in rows.items())
    figure.suptitle(f"{dataset.name}, rarer class ({sizes})", fontsize="small")
    return figure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", nargs="+", default=["vehicle1", "segment0", "yeast1", "page-blocks0"])
    parser.add_argument("--samplers", nargs="+", default=["SEMResDDPM", "TabDDPM", "SMOTE"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the samplers have it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same rows
    mpl.rcParams["svg.fonttype"] = "none"
    parameters = {"training_steps": options.training_steps} if options.training_steps else {}
    for name in options.data:
        dataset = load(name)
        figure = picture(dataset, *rows_of(dataset, options.samplers, options.seed, parameters))
        figure.savefig(options.folder / f"semres_density_{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
