"""What each part of SEMST-ResNet is worth: attention, soft thresholds, shortcuts, one of them off at a time.

SEMResDDPM's default is "no attention", for what this study found.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python ablation.py --seeds 3

writes ``ablation.csv``, going on where it ended before, and ``ablation.md``. ``study.py`` says what is measured
downstream and of the new rows. ``MLP`` is TabDDPM as it is; ``MLP wide`` has as many weights as the whole network.

PSNR, as the paper judges denoisers (it does not say of what): rows held out of the training, of all classes, are
noised to t of T = 1000, and the network, told their class, gives back x_0. Per column of numbers, the squared error
over the squared range of the column among the rows given, both as encoded; PSNR = -10 log10 of its mean over rows and
columns, in dB. A number beside the state of its usual value, or of a missing one, means nothing and is left out. Each
row is noised 20 times, with the same noise for all networks of a seed and data set.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from cost import width_of_equal_size
from data import load
from study import filled, measure, of_budget, run_missing, split, write_table

from rarelabel import SEMResDDPM, TabDDPM
from rarelabel.encoding import TableEncoder, idle_numbers

DATA = ("vehicle1", "segment0", "yeast1", "pimaImb", "page-blocks0")
TIMES = (50, 100, 200, 400, 600, 800)
NETWORKS = ("all on", "no attention", "no shrinkage", "no residual", "shortcuts alone", "all off", "MLP", "MLP wide")
COLUMNS = (*(f"psnr_{t}" for t in TIMES), "psnr", "c2st_auc", "wasserstein", "f1", "g_mean", "auc", "steps", "seconds")
PARTS = ("attention", "shrinkage", "residual")
ON = {"all off": (), "shortcuts alone": ("residual",)}


def make(network, blocks, seed, **parameters):
    if network.startswith("MLP"):
        # as the sampler builds its network: the columns of a category, and those of the classes, are one variable
        variables = [each for b in blocks for each in ([b.width] if b.is_one_hot else [1] * b.width)]
        width = width_of_equal_size(blocks[-1].stop, variables) if network == "MLP wide" else None
        return TabDDPM(width=width, random_state=seed, **parameters)
    on = ON.get(network, [part for part in PARTS if network != f"no {part}"])
    return SEMResDDPM(random_state=seed, **{part: part in on for part in PARTS}, **parameters)


def scored(Z, blocks):
    """Where a number means something, shape of Z."""
    mask = torch.ones_like(Z, dtype=torch.bool)
    for numbers, states in idle_numbers(blocks):
        mask[:, numbers] &= Z[:, states] == 0
    return mask


@torch.no_grad()
def psnr(sampler, X, Y, t, seed, times=20):
    """Of rows the network has not seen, in dB; see above."""
    trained = sampler.trained_
    encoder, model = trained.encoder, trained.model
    diffusion = model.diffusion(torch.device("cpu"))
    Z = torch.from_numpy(encoder.transform(X, Y, dtype=np.float32)).repeat(times, 1)
    generator = torch.Generator().manual_seed(1000 * seed + t)
    at = torch.full((len(Z),), t)
    noise = torch.randn(Z.shape, generator=generator)
    numbers = torch.zeros(Z.shape[1], dtype=torch.bool)
    for block in encoder.blocks_:
        numbers[block.columns] = block.is_continuous
    known = torch.zeros_like(Z, dtype=torch.bool)
    known[:, encoder.blocks_[-1].columns] = True
    # states are left as they are, but not marked as known: what is judged is how numbers are denoised
    x_t = torch.where(numbers, diffusion.gaussian.q_sample(Z, at, noise), Z)
    out = diffusion.gaussian.x0_from(model.denoiser(x_t, at / diffusion.schedule.T, known), x_t, at)
    low, high = (torch.from_numpy(bound.astype(np.float32)) for bound in model.bounds)
    varied = numbers & (high > low)
    error = ((out.clamp(low, high) - Z) / (high - low))[scored(Z, encoder.blocks_) & varied]
    return -10 * torch.log10((error**2).mean()).item()


def job(data, network, seed, training_steps):
    dataset = load(data)
    given, held = split(dataset.Y, seed)
    parameters = {"training_steps": training_steps} if training_steps else {}
    encoder = TableEncoder("quantile").fit(filled(dataset, given), dataset.schema, dataset.Y[given])
    sampler = make(network, encoder.blocks_, seed, **parameters)
    line = measure(dataset, sampler, seed)
    X_held = filled(dataset, given, held)
    found = {f"psnr_{t}": psnr(sampler, X_held, dataset.Y[held], t, seed) for t in TIMES}
    weights = sum(each.numel() for each in sampler.trained_.model.denoiser.parameters())
    yield {"weights": weights, **found, "psnr": np.mean(list(found.values())), **line}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the samplers have it")
    options = parser.parse_args()
    jobs = (
        {"data": name, "network": network, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data
        for network in options.networks
    )
    lines = of_budget(run_missing(Path("ablation.csv"), jobs, job), options.training_steps)
    lines.sort(key=lambda line: NETWORKS.index(line["network"]))
    write_table(Path("ablation.md"), "The parts of SEMST-ResNet", lines, ("network",), ("weights", *COLUMNS))


if __name__ == "__main__":
    main()
