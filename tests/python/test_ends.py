"""The client never changes a program's end: whichever way it ends, the client neither crashes nor changes the exit
code.
"""

from __future__ import annotations

import pytest

from tests.python.ends import ENDS, interpreters, package_folder, run_end

# A crash at exit came in a tenth to a half of the runs; `python -m tests.python.ends 200` counts more.
RUNS = 6


@pytest.mark.parametrize("name", ENDS)
def test_exit_code_is_the_programs_own(start_hub, name):
    end = ENDS[name]
    hub = start_hub(token="right" if end.has_wrong_token else "")
    with package_folder() as package:
        for version, python in interpreters().items():
            for _ in range(RUNS):
                assert (fault := run_end(end, python, package, hub)) is None, f"Python {version}: {fault}"
