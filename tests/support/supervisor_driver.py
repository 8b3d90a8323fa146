"""`bestguess up` with a fake API process."""

from __future__ import annotations

import sys
from pathlib import Path

from bestguess.supervisor.preflight import PreflightError, checked_settings
from bestguess.supervisor.supervisor import run_up

if __name__ == "__main__":
    command = (sys.executable, str(Path(__file__).with_name("fake_api_process.py")), *sys.argv[1:])
    try:
        sys.exit(run_up(checked_settings(), command, worker_command=None))
    except PreflightError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(problem.exit_code)
