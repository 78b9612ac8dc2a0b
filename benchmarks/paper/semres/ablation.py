"""What each part of SEMST-ResNet is worth: attention, soft thresholds, shortcuts, one of them off at a time.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python ablation.py --seeds 3

writes ``ablation.csv``, going on where it ended before, and ``ablation.md``. ``study.py`` says what is measured
downstream and of the new rows. ``MLP`` is TabDDPM as it is; ``MLP wide`` has as many weights as the whole network.

PSNR, as the paper judges denoisers (it does not say of what): rows held out of the training, of all classes, are
noised to t of T = 1000, and the network, told their class, gives back x_0. Per column of numbers, the squared error
over the squared range of the column among the rows given, both as encoded; PSNR = -10 log10 of its mean over rows and
columns, in dB. Each row is noised 20 times, with the same noise for all networks of a seed and data set.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from cost import width_of_equal_size
from data import load
from study import filled, measure, run_missing, split, write_table

from rarelabel import SEMResDDPM, TabDDPM

DATA = ("vehicle1", "segment0", "yeast1", "pimaImb", "page-blocks0")
TIMES = (50, 100, 200, 400, 600, 800)
NETWORKS = ("all on", "no attention", "no shrinkage", "no residual", "all off", "MLP", "MLP wide")
COLUMNS = (*(f"psnr_{t}" for t in TIMES), "psnr", "c2st_auc", "wasserstein", "f1", "g_mean", "auc", "steps", "seconds")
PARTS = ("attention", "shrinkage", "residual")


def make(network, d, seed, **parameters):
    if network.startswith("MLP"):
        width = width_of_equal_size(d) if network == "MLP wide" else None
        return TabDDPM(width=width, random_state=seed, **parameters)
    off = PARTS if network == "all off" else [part for part in PARTS if network == f"no {part}"]
    return SEMResDDPM(random_state=seed, **dict.fromkeys(off, False), **parameters)


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
    error = (out.clamp(low, high) - Z)[:, varied] / (high - low)[varied]
    return -10 * torch.log10((error**2).mean()).item()


def job(data, network, seed, training_steps):
    dataset = load(data)
    _, held = split(dataset.Y, seed)
    parameters = {"training_steps": training_steps} if training_steps else {}
    sampler = make(network, dataset.X.shape[1] + 2, seed, **parameters)
    line = measure(dataset, sampler, seed)
    X_held = filled(dataset, held)
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
    lines = run_missing(Path("ablation.csv"), jobs, job)
    lines = [line for line in lines if int(line["training_steps"]) == options.training_steps]
    lines.sort(key=lambda line: NETWORKS.index(line["network"]))
    write_table(Path("ablation.md"), "The parts of SEMST-ResNet", lines, ("network",), ("weights", *COLUMNS))


if __name__ == "__main__":
    main()
