"""Tells a scorer process that hangs from one that is slow: by the CPU time that it had, where the system tells that.

On a busy machine a process stands for seconds although nothing is wrong with it. Killed, it would be missed for as long
as a start takes, which is longest on just such a machine.
"""

from __future__ import annotations

import os
from pathlib import Path

PROGRESS = 0.01  # seconds of CPU time between two looks; one that had less waits for something
LONGEST = 6.0  # times its patience that a process may take by the clock
AGAIN = 0.25  # seconds between two looks at the least


def cpu_seconds(pid: int) -> float | None:
    """CPU time that a process had so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return None


class Watch:
    """A process at work on a job, from `now` on, in monotonic seconds.

    patience   seconds of CPU time that it may take; by the clock where the system does not tell
    """

    def __init__(self, pid: int, patience: float, now: float) -> None:
        self._pid, self._patience, self._began = pid, patience, now
        self._cpu = self._last = cpu_seconds(pid)

    def seconds_left(self, now: float) -> float:
        """Seconds until the next look at it; 0 where it hangs."""
        cpu = cpu_seconds(self._pid)
        if cpu is None or self._cpu is None or self._last is None:
            return max(0.0, self._began + self._patience - now)
        progress, self._last = cpu - self._last, cpu
        left = self._patience - (cpu - self._cpu)
        if left <= 0 or progress < PROGRESS or now - self._began > LONGEST * self._patience:
            return 0.0
        return max(AGAIN, left)

    def __str__(self) -> str:
        """Its CPU time at the last look, in words."""
        cpu = "" if self._cpu is None or self._last is None else f" ({self._last - self._cpu:.1f} of CPU time)"
        return f"{self._patience:.1f} seconds{cpu}"
