"""What SEMST-ResNet costs: weights, a training step, drawing; and drawing in few steps against all 1,000.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python cost.py networks            # writes cost_networks.md
    python cost.py drawing --data vehicle1 segment0 yeast1 --seeds 3      # cost_drawing.csv and cost_drawing.md

Networks: SEMST-ResNet with and without attention and an MLP denoiser of as many weights, d columns of numbers, batches
of 256, the three in turn; the lower quartile of CPU milliseconds, as other work on the machine only ever adds.

Drawing: one trained model draws as many new rows in its default steps and by ancestral sampling in all T = 1000 (the
reverse chain of Ho et al.: as many steps as T, and fresh noise in each). ``study.py`` says what is measured of the
rows.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from data import load
from study import downstream, fidelity, filled, of_budget, run_missing, split, write_table

from rarelabel import SEMResDDPM
from rarelabel.nn import MLPDenoiser, SEMSTResNet, denoiser_width

COLUMNS = ("n_new", "seconds", "wasserstein", "c2st_auc", "precision", "recall", "f1", "g_mean", "auc")


def n_weights(module):
    return sum(each.numel() for each in module.parameters())


def width_of_equal_size(d, variables=None):
    """The width at which an MLP denoiser of d columns has about as many weights as SEMST-ResNet as it is used.

    ``variables``: numbers of columns that are one variable, as the network takes them.
    """
    with torch.device("meta"):  # shapes alone
        wanted = n_weights(SEMSTResNet(d, width=min(denoiser_width(d), 512), variables=variables, conditional=True))
        sizes = {width: n_weights(MLPDenoiser(d, width=width, conditional=True)) for width in range(16, 2048, 8)}
    return min(sizes, key=lambda width: abs(sizes[width] - wanted))


def steps_of(network, d, generator):
    """A function that makes one training step, as the training loop does, noising left out."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    x = torch.randn(256, d, generator=generator)
    time_ = torch.rand(256, generator=generator)
    known = torch.rand(256, d, generator=generator) < 0.3

    def step():
        optimizer.zero_grad()
        ((network(x, time_, known) - x) ** 2).mean().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return step


def milliseconds(function):
    start = time.process_time()
    function()
    return (time.process_time() - start) * 1e3


def quartile(times):
    return np.quantile(np.array(times), 0.25, axis=0)


def networks(rounds):
    text = ["# A training step of SEMST-ResNet and of an MLP of as many weights\n"]
    text.append("`cost.py networks` says how; batches of 256, CPU milliseconds of one thread.\n")
    text.append("| d | network | weights | ms a step | over MLP | forward | over MLP |\n|---|---" + "|---:" * 5 + "|")
    torch.set_num_threads(1)
    for d in (10, 40):
        generator = torch.Generator().manual_seed(0)
        width = min(denoiser_width(d), 512)
        sizes = {"dropout": 0.1, "conditional": True}
        rivals = {
            "SEMST-ResNet": SEMSTResNet(d, width=width, **sizes),
            "SEMST-ResNet without attention": SEMSTResNet(d, width=width, attention=False, **sizes),
            "MLP": MLPDenoiser(d, width=width_of_equal_size(d), **sizes),
        }
        steps = [steps_of(network, d, generator) for network in rivals.values()]
        x, at = torch.randn(256, d, generator=generator), torch.rand(256, generator=generator)
        known = torch.zeros(256, d, dtype=torch.bool)
        for step in steps:
            step()
        trained = quartile([[milliseconds(step) for step in steps] for _ in range(rounds)])
        with torch.no_grad():
            calls = [partial(network, x, at, known) for network in rivals.values()]
            drawn = quartile([[milliseconds(call) for call in calls] for _ in range(rounds)])
        for (name, network), a, b in zip(rivals.items(), trained, drawn, strict=True):
            ratios = a / trained[-1], b / drawn[-1]
            text.append(
                f"| {d} | {name} | {n_weights(network):,} | {a:.1f} | {ratios[0]:.1f} | {b:.1f} | {ratios[1]:.1f} |"
            )
    Path("cost_networks.md").write_text("\n".join(text) + "\n")


def drawing(data, seed, training_steps):
    dataset = load(data)
    given, held = split(dataset.Y, seed)
    X, Y = filled(dataset, given), dataset.Y[given]
    parameters = {"training_steps": training_steps} if training_steps else {}
    sampler = SEMResDDPM(random_state=seed, **parameters).fit(X, Y, schema=dataset.schema)
    n_new = int(Y.sum(axis=0).max() - Y.sum(axis=0).min())
    trained = sampler.trained_
    default = trained.model.recipe
    ways = {
        f"{default.sampling_steps} steps (default)": default,
        f"{default.T} steps, ancestral": replace(default, sampling_steps=default.T, eta=1.0),
    }
    for way, recipe in ways.items():
        sampler.trained_ = replace(trained, model=replace(trained.model, recipe=recipe))
        sampler.set_params(sampling_steps=recipe.sampling_steps)
        start = time.process_time()
        X_new, Y_new = sampler.sample(n_new)
        seconds = round(time.process_time() - start, 3)
        after = downstream(dataset, given, held, np.vstack([X, X_new]), np.vstack([Y, Y_new]), seed)
        yield {
            "drawing": way,
            "n_new": n_new,
            "seconds": seconds,
            **fidelity(dataset, given, X_new, Y_new, seed),
            **after,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("networks", "drawing"))
    parser.add_argument("--data", nargs="+", default=["vehicle1", "segment0", "yeast1"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the sampler has it")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    if options.what == "networks":
        networks(options.rounds)
        return
    jobs = (
        {"data": name, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data
    )
    lines = of_budget(run_missing(Path("cost_drawing.csv"), jobs, drawing), options.training_steps)
    write_table(Path("cost_drawing.md"), "Drawing in few steps and in all", lines, ("data", "drawing"), COLUMNS)


if __name__ == "__main__":
    main()
