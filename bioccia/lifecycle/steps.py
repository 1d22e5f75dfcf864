"""Steps that wait for one another, run side by side where they can, each told with its seconds."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

SIGN_OF_LIFE_SECONDS = 10.0
UNTOLD_SECONDS = 0.3  # what ends sooner is told by its end alone
_printing = threading.Lock()


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        name: what a person reads.
        action: does it; returns False when there was nothing to do.
        after: the names of the steps it waits for.
    """

    name: str
    action: Callable[[], object]
    after: tuple[str, ...] = ()


def say(line: str) -> None:
    """Print a line at once, whole, whoever else prints."""
    with _printing:
        print(line, flush=True)


def run_step(step: Step) -> None:
    """Run one step, telling its beginning, a sign of life now and then, and its end with its seconds."""
    start = time.monotonic()
    ended = threading.Event()
    watcher = threading.Thread(target=_give_signs_of_life, args=(step.name, start, ended), daemon=True)
    watcher.start()
    try:
        done = step.action()
    finally:
        ended.set()
    note = " (nothing to do)" if done is False else ""
    say(f"  {_mark('✓', '+')} {step.name}: {time.monotonic() - start:.1f} s{note}")


def _give_signs_of_life(name: str, start: float, ended: threading.Event) -> None:
    if not ended.wait(UNTOLD_SECONDS):
        say(f"  {_mark('…', '.')} {name}")
    while not ended.wait(SIGN_OF_LIFE_SECONDS):
        say(f"    {name}: {time.monotonic() - start:.0f} s so far")


def _mark(sign: str, plain: str) -> str:
    encoding = (sys.stdout.encoding or "ascii").lower()
    return sign if encoding.startswith("utf") else plain


def run_steps(steps: Sequence[Step]) -> None:
    """Run steps, each as soon as those it waits for are done.

    Args:
        steps: in any order that a person likes; names not among them are taken as done.

    Raises:
        LifecycleError: what the first failing step raised, once the steps under way have ended.
    """
    known = {step.name for step in steps}
    waiting = list(steps)
    done: set[str] = set()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(steps))) as pool:
        while waiting or running:
            for step in [step for step in waiting if done.issuperset(known.intersection(step.after))]:
                waiting.remove(step)
                running[pool.submit(run_step, step)] = step.name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                future.result()
                done.add(name)
