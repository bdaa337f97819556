"""Data-parallel training over processes of one machine, one thread each.

Two such processes beat one process with two threads by about half for models this small: most of
their operations are too short to be worth sharing between threads.
"""

import multiprocessing
import os
import socket
import threading

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def launch(train, plan, processes):
    """Runs `train(plan)` in `processes` processes, or right here for one."""
    if processes == 1:
        train(plan)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_work, args=(processes, port, train, plan), nprocs=processes)


def rank():
    return dist.get_rank() if dist.is_initialized() else 0


def world():
    return dist.get_world_size() if dist.is_initialized() else 1


def average(weights, number):
    """Averages the gradients of `weights` over the processes, in place, and returns the average of
    `number`, which thereby is the same in all of them."""
    if world() == 1:
        return number
    parts = [weight.grad.reshape(-1) for weight in weights]
    flat = torch.cat([*parts, torch.tensor([number])])
    dist.all_reduce(flat)
    flat /= world()
    for weight, part in zip(weights, flat[:-1].split([len(p) for p in parts]), strict=True):
        weight.grad.copy_(part.view_as(weight))
    return flat[-1].item()


def _work(index, processes, port, train, plan):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=index, world_size=processes)
    train(plan)
    dist.barrier()
    dist.destroy_process_group()


def _end_with_parent():
    """Else a training whose first process was killed would go on unseen, beside its successor."""
    multiprocessing.parent_process().join()
    os._exit(1)
