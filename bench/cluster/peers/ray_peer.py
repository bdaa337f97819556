"""The jobs of the cluster bench on Ray: `ray_peer.py OPTIONS`, where OPTIONS is the JSON that run-peers.ts writes.

Prints one JSON object, last. Everything is measured where the caller is: from just before the first call to Ray until
the caller has the last result. Tasks sleep and say how long they really did: run-peers.ts computes the bounds.
"""

import json
import os
import sys
import time

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Ray starts its workers with niceness 15; the others' run with 0, and on a busy machine that would count against Ray.
os.environ["RAY_worker_niceness"] = "0"
# Ray warns about more worker processes than cores, which is what the bench is about.
os.environ["RAY_DEDUP_LOGS"] = "0"

import ray  # noqa: E402

LATENCY_WARM_UP = 50
WARM_UP_ROUNDS = 3
WARM_UP_SECONDS = 1


def start(cpus, resources=None):
    ray.init(
        num_cpus=cpus,
        resources=resources,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=100_000_000,
        _node_ip_address="127.0.0.1",
    )


def sleep_measured(seconds):
    begun = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - begun


@ray.remote(num_cpus=1)
def noop():
    return None


@ray.remote(num_cpus=1)
class NoopActor:
    def noop(self):
        return None


@ray.remote(num_cpus=1)
class AsyncNoopActor:
    async def noop(self):
        return None


@ray.remote(num_cpus=1)
def stage_task(seconds, *_inputs):
    return sleep_measured(seconds)


class TaskPools:
    """One task a process; a pool's size is a resource of that name, so that a stage has slots of its own."""

    def __init__(self, pools):
        self.pools = pools
        names = ("idm", "mixer", "vdm")
        start(sum(pools), dict(zip(names, map(float, pools))))
        stages = [stage_task.options(resources={name: 1}) for name in names]
        self.frame, self.mix, self.smooth = (stage.remote for stage in stages)

    def warm(self):
        # A process starts when there is a task for it, in its own time: several rounds that fill every slot at once.
        for _ in range(WARM_UP_ROUNDS):
            slots = zip((self.frame, self.mix, self.smooth), self.pools)
            ray.get([call(WARM_UP_SECONDS) for call, size in slots for _ in range(size)])


@ray.remote(num_cpus=1)
class StageActor:
    def run(self, seconds, *_inputs):
        return sleep_measured(seconds)


class ActorPools:
    """One actor a slot, calls dealt out in turn: the best that can be done when every task takes as long."""

    def __init__(self, pools):
        start(sum(pools))
        self.actors = [[StageActor.remote() for _ in range(size)] for size in pools]
        self.dealt = [0, 0, 0]

    def deal(self, stage, *args):
        actors = self.actors[stage]
        self.dealt[stage] += 1
        return actors[self.dealt[stage] % len(actors)].run.remote(*args)

    def frame(self, seconds):
        return self.deal(0, seconds)

    def mix(self, seconds, *frames):
        return self.deal(1, seconds, *frames)

    def smooth(self, seconds, mix):
        return self.deal(2, seconds, mix)

    def warm(self):
        ray.get([actor.run.remote(0) for pool in self.actors for actor in pool])


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure_noop(workers, slots, processes, options):
    start(processes)
    try:
        if workers == "tasks":
            call = noop.remote
        else:
            each = slots // processes
            actors = [
                NoopActor.remote() if each == 1 else AsyncNoopActor.options(max_concurrency=each).remote()
                for _ in range(processes)
            ]
            ray.get([actor.noop.remote() for actor in actors])
            turn = iter(range(1 << 60))
            call = lambda: actors[next(turn) % processes].noop.remote()  # noqa: E731

        def batch():
            begun = time.perf_counter()
            ray.get([call() for _ in range(options["noopTasks"])])
            return options["noopTasks"] / (time.perf_counter() - begun)

        batch()
        rates = [batch() for _ in range(options["noopBatches"])]
        latencies = []
        for _ in range(LATENCY_WARM_UP + options["latencySamples"]):
            begun = time.perf_counter()
            ray.get(call())
            latencies.append(1000 * (time.perf_counter() - begun))
        latencies = latencies[LATENCY_WARM_UP:]
        return {
            "slots": slots,
            "processes": processes,
            "tasksPerSecond": percentile(rates, 0.5),
            "batches": rates,
            "latencyP50Ms": percentile(latencies, 0.5),
            "latencyP99Ms": percentile(latencies, 0.99),
        }
    finally:
        ray.shutdown()


def staged_run(pools, graph):
    begun = time.perf_counter()
    frames, mixes, smooths = [], [], []
    for _ in range(graph["chunks"]):
        of_chunk = [pools.frame(graph["frameMs"] / 1000) for _ in range(graph["framesPerChunk"])]
        mix = pools.mix(graph["mixMs"] / 1000, *of_chunk)
        frames.append(of_chunk)
        mixes.append(mix)
        smooths.append(pools.smooth(graph["smoothMs"] / 1000, mix))
    ray.get(smooths)
    makespan = time.perf_counter() - begun
    return {
        "makespanSeconds": makespan,
        "frames": [ray.get(of_chunk) for of_chunk in frames],
        "mixes": ray.get(mixes),
        "smooths": ray.get(smooths),
    }


def frame_run(pools, graph):
    begun = time.perf_counter()
    count = graph["chunks"] * graph["framesPerChunk"]
    seconds = ray.get([pools.frame(graph["frameMs"] / 1000) for _ in range(count)])
    return {"makespanSeconds": time.perf_counter() - begun, "frames": seconds}


def main(options):
    workers = options["workers"]
    noops = [measure_noop(workers, each["slots"], each["processes"], options) for each in options["noop"]]
    graph = options["graph"]
    pools = (TaskPools if workers == "tasks" else ActorPools)(graph["pools"])
    try:
        pools.warm()
        warm_ups = options["warmUpRuns"]
        runs = range(warm_ups + options["runs"])
        staged = [staged_run(pools, graph) for _ in runs][warm_ups:]
        frame_parallel = [frame_run(pools, graph) for _ in runs][warm_ups:]
    finally:
        ray.shutdown()
    print(
        json.dumps(
            {
                "versions": {"ray": ray.__version__, "python": sys.version.split()[0]},
                "noop": noops,
                "staged": staged,
                "frameParallel": frame_parallel,
            }
        )
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
