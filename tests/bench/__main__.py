"""`make bench`: what is measured, in turns and in one run, beside what it is compared with; prints ratios.

`make bench ARGS=steps` or `ARGS=waiting` runs one of them alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import steps, waiting

BENCHES: dict[str, Callable[[], None]] = {"steps": steps.measure, "waiting": waiting.measure}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
