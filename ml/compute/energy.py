"""What a run costs: seconds, memory, and the energy that codecarbon's tables give for them.

codecarbon's tracker takes seconds to start, measures the whole machine and spawns processes; a run measured
here counts its own CPU time at the power that codecarbon knows for the processor, and its own memory. Its tables
are only opened once the run has ended, so that they do not count in it.
"""

import os
import resource
import time
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

COUNTRY = "FRA"
_WATT_SECONDS_PER_WATT_HOUR = 3600.0
_KILOBYTES_PER_MEGABYTE = 1024.0


class Meter:
    """Measures the block it surrounds, children that ended within it included.

    Attributes:
        seconds: elapsed time.
        cpu_seconds: time on processors, all threads.
        energy_wh: watt-hours, estimated.
        energy_method: how the energy is known: always `estimated`.
        emissions_g: grams of CO2 equivalent of that energy on the French grid.
        peak_rss_mb: highest memory of the process since it started, in MiB.
    """

    energy_method = "estimated"

    def __init__(self) -> None:
        """Nothing is measured before the block starts."""
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.energy_wh = 0.0
        self.emissions_g = 0.0
        self.peak_rss_mb = 0.0

    def __enter__(self) -> Self:
        self._started, self._cpu_started = time.perf_counter(), _cpu_seconds()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._started
        self.cpu_seconds = _cpu_seconds() - self._cpu_started
        self.peak_rss_mb = _peak_kilobytes() / _KILOBYTES_PER_MEGABYTE
        watt_seconds = self.cpu_seconds * watts_per_thread() + self.seconds * _memory_watts()
        self.energy_wh = watt_seconds / _WATT_SECONDS_PER_WATT_HOUR
        self.emissions_g = self.energy_wh * grams_per_watt_hour()

    def as_json(self) -> dict[str, float | str]:
        """The measures under the names of the run's record, rounded."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "energy_wh": round(self.energy_wh, 6),
            "energy_method": self.energy_method,
            "emissions_g": round(self.emissions_g, 6),
            "peak_rss_mb": round(self.peak_rss_mb, 1),
        }


@lru_cache(maxsize=1)
def watts_per_thread() -> float:
    """Design power of the processor per hardware thread; codecarbon's default where it does not know it."""
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE
    from codecarbon.input import DataSource

    threads = os.cpu_count() or 1
    table = DataSource().get_cpu_power_data()
    known = table[table["Name"].str.lower() == _processor_name().lower()]["TDP"]
    return float(known.iloc[0]) / threads if len(known) else float(DEFAULT_POWER_PER_CORE)


@lru_cache(maxsize=1)
def grams_per_watt_hour() -> float:
    """Carbon intensity of the French grid, from codecarbon's own table."""
    from codecarbon.input import DataSource

    mix = DataSource().get_global_energy_mix_data()
    return float(mix[COUNTRY]["carbon_intensity"]) / 1000.0


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_kilobytes() -> float:
    """From the kernel's status: getrusage would count the memory of the program that started this one."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return float(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _memory_watts() -> float:
    from codecarbon.external.ram import RAM

    return float(RAM(tracking_mode="process").total_power().W)


def _processor_name() -> str:
    """As the kernel spells it, without what codecarbon's table leaves out."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
    return " ".join(name.replace("(R)", "").replace("(TM)", "").split(" @")[0].replace(" CPU", "").split())
