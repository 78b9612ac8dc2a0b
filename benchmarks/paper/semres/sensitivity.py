"""Steps and sizes of SEMRes-DDPM: training steps, batch, patience, width, T, steps of drawing.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python sensitivity.py --data vehicle1 yeast4 glass4 --seeds 3 --studies budget
    python sensitivity.py --data vehicle1 segment0 yeast1 --seeds 3 --studies width T drawing

writes ``sensitivity.csv``, going on where it ended before, and ``sensitivity_STUDY.md`` for each study. What is
measured: ``study.py``. ``default`` is in every study; one parameter is changed at a time, but for ``budget``.
``SEMResDDPM`` has attention here, as it had by default when this was measured.
"""

import argparse
from functools import partial
from pathlib import Path

from data import load
from study import measure, of_budget, run_missing, write_table

from rarelabel import SEMResDDPM, TabDDPM

STUDIES = {
    "budget": (
        {},
        {"batch_size": 128},
        {"batch_size": 64},
        {"training_steps": 1000},
        {"training_steps": 500},
        {"training_steps": 250},
        {"training_steps": 500, "batch_size": 128},
        {"training_steps": 500, "batch_size": 64},
        {"training_steps": 1000, "batch_size": 64},
        {"patience": 2},
    ),
    "width": ({}, {"width": 32}, {"width": 64}, {"width": 128}, {"width": 512}),
    "T": ({}, {"n_timesteps": 50}, {"n_timesteps": 100}, {"n_timesteps": 300}),
    "drawing": ({}, {"sampling_steps": 5}, {"sampling_steps": 10}, {"sampling_steps": 50}, {"sampling_steps": 100}),
}
SAMPLERS = {"SEMResDDPM": partial(SEMResDDPM, attention=True), "TabDDPM": TabDDPM}
COLUMNS = ("steps", "seconds", "wasserstein", "c2st_auc", "recall", "f1", "g_mean", "auc")


def named(parameters):
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "default"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["glass4", "yeast4", "vehicle1"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=["SEMResDDPM"])
    parser.add_argument(
        "--training-steps", type=int, default=0, help="where the variant does not say it; 0: as the samplers have it"
    )
    options = parser.parse_args()
    variants = {named(each): each for study in STUDIES.values() for each in study}
    wanted = list(dict.fromkeys(named(each) for study in options.studies for each in STUDIES[study]))
    jobs = (
        {"data": name, "sampler": sampler, "variant": variant, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data
        for sampler in options.samplers
        for variant in wanted
    )

    def job(data, sampler, variant, seed, training_steps):
        parameters = ({"training_steps": training_steps} if training_steps else {}) | variants[variant]
        return [measure(load(data), SAMPLERS[sampler](random_state=seed, **parameters), seed)]

    lines = of_budget(run_missing(Path("sensitivity.csv"), jobs, job), options.training_steps)
    for study in options.studies:
        names = [named(each) for each in STUDIES[study]]
        mine = [line for line in lines if line["variant"] in names and line["data"] in options.data]
        mine.sort(key=lambda line: (line["sampler"], names.index(line["variant"])))
        title = f"SEMRes-DDPM: {study} ({', '.join(options.data)})"
        write_table(Path(f"sensitivity_{study}.md"), title, mine, ("sampler", "variant"), COLUMNS)


if __name__ == "__main__":
    main()
