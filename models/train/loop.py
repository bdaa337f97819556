"""The training loop that all four trainings share: cosine schedule, EMA, checkpoints, a log.

A run ends after a number of steps (reproducible) or after a time budget (how the shipped weights
were made; the steps it reached are in its log and are the defaults of `python -m train`). It
resumes from its last checkpoint by itself.
"""

import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from . import parallel

CHECKPOINT_SECONDS = 120
LOG_EVERY = 50  # steps between two lines of the log
FINAL_LR_SHARE = 0.02  # of the peak learning rate, at the end of the cosine


def train_dir():
    """Where checkpoints, latents and logs live; outside the repository."""
    home = os.environ.get("BIVDIFF_TRAIN_DIR", "~/.cache/bivdiff/train")
    path = Path(home).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    return path


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train. `minutes`, if given, replaces `steps` as the end."""

    name: str
    steps: int
    rate: float
    seed: int
    minutes: float | None = None
    warmup: int = 100
    ema: float = 0.998
    weight_decay: float = 1e-2
    bfloat16: bool = True
    processes: int = 1  # samples of a batch are shared among them


class Average:
    """Exponential moving average of a module's weights, quick at first, slow later."""

    def __init__(self, module, decay):
        self.decay = decay
        self.count = 0
        self.weights = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module):
        self.count += 1
        keep = min(self.decay, self.count / (self.count + 20))
        live = module.state_dict()
        moving = [name for name, value in live.items() if value.is_floating_point()]
        averages = [self.weights[name] for name in moving]
        torch._foreach_lerp_(averages, [live[name] for name in moving], 1 - keep)


def fit(plan, module, loss_of, evaluate=None):
    """Trains `module` (an nn.Module) on `loss_of(progress)`, a scalar; leaves the average in it.

    `progress` runs from 0 to 1. `evaluate(module)` returns a dict of numbers for the log; it is
    called with the averaged weights at each checkpoint. Returns the summary written to the log.
    """
    run = _Run(plan, module)
    run.resume()
    # Every process draws its own samples.
    torch.manual_seed(torch.initial_seed() + 1000 * parallel.rank())
    while run.progress < 1:
        run.step(loss_of(run.progress))
        if time.monotonic() - run.saved_at > CHECKPOINT_SECONDS:
            run.save(evaluate)
    run.save(evaluate)
    module.load_state_dict(run.average.weights)
    return run.summary()


class _Run:
    """One training under way: everything that a checkpoint has to hold."""

    def __init__(self, plan, module):
        torch.manual_seed(plan.seed)
        self.plan, self.module = plan, module
        self.weights = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights, plan.rate, betas=(0.9, 0.99), weight_decay=plan.weight_decay, fused=True
        )
        self.average = Average(module, plan.ema)
        self.done, self.seconds, self.loss, self.history = 0, 0.0, 0.0, []
        self.progress = 0.0
        self.started_at = self.saved_at = time.monotonic()
        self.path = train_dir() / f"{plan.name}.checkpoint.pt"

    @property
    def elapsed(self):
        """Seconds of training, those before a resume included."""
        return self.seconds + time.monotonic() - self.started_at

    def own_progress(self):
        """From 0 to 1, by the clock or by steps; clocks of processes differ a little."""
        if self.plan.minutes is not None:
            return self.elapsed / (60 * self.plan.minutes)
        return self.done / self.plan.steps

    def step(self, loss):
        warm = min(1.0, (self.done + 1) / self.plan.warmup)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress)))
        rate = self.plan.rate * warm * (FINAL_LR_SHARE + (1 - FINAL_LR_SHARE) * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss.backward()
        progress = parallel.average(self.weights, self.own_progress())
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(self.module)
        self.done += 1
        self.progress = progress if self.plan.minutes is not None else self.done / self.plan.steps
        self.loss += (loss.item() - self.loss) / min(self.done, 100)
        if self.done % LOG_EVERY == 0:
            self._log()

    def _log(self, **extra):
        if parallel.rank() > 0:
            return
        entry = dict(step=self.done, seconds=round(self.elapsed, 1), loss=self.loss, **extra)
        self.history.append(entry)
        print(self.plan.name, json.dumps(entry), flush=True)

    def save(self, evaluate):
        """Writes the checkpoint and the log; only the first process does."""
        self.saved_at = time.monotonic()
        if parallel.rank() > 0:
            return
        if evaluate:
            self._log(**self._evaluate(evaluate))
        state = dict(
            module=self.module.state_dict(),
            optimizer=self.optimizer.state_dict(),
            average=self.average.weights,
            count=self.average.count,
            done=self.done,
            seconds=self.elapsed,
            loss=self.loss,
            history=self.history,
        )
        # Renamed into place, so that a run killed here still has its last whole checkpoint.
        draft = self.path.with_suffix(".draft")
        torch.save(state, draft)
        draft.replace(self.path)
        (train_dir() / f"{self.plan.name}.log.json").write_text(json.dumps(self.summary()))

    def resume(self):
        if not self.path.exists():
            return
        state = torch.load(self.path)
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.weights, self.average.count = state["average"], state["count"]
        # Not the samples that an uncut run would have drawn, but never those drawn before.
        torch.manual_seed(self.plan.seed + 100_000 * state["done"])
        self.done, self.seconds = state["done"], state["seconds"]
        self.loss, self.history = state["loss"], state["history"]
        self.started_at = time.monotonic()
        self.progress = self.own_progress()
        print(f"{self.plan.name}: resumed at step {self.done}", flush=True)

    def _evaluate(self, evaluate):
        """Numbers of the averaged weights; training goes on from its own afterwards."""
        own = {k: v.clone() for k, v in self.module.state_dict().items()}
        rng = torch.get_rng_state()
        self.module.load_state_dict(self.average.weights)
        self.module.eval()
        with torch.no_grad():
            numbers = evaluate(self.module)
        self.module.train()
        self.module.load_state_dict(own)
        torch.set_rng_state(rng)
        return numbers

    def summary(self):
        return dict(
            name=self.plan.name,
            steps=self.done,
            minutes=round(self.elapsed / 60, 2),
            seed=self.plan.seed,
            peakRate=self.plan.rate,
            loss=self.loss,
            history=self.history,
        )
