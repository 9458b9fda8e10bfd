"""Coverage-guided fuzzing of every protocol parser (atheris), each in a process of its own, from the same seeds.

    python -m tests.rig.fuzz --seconds 60            every target, 60 s each
    python -m tests.rig.fuzz --runs 5000 screen      one target, 5,000 inputs

Ends with 1 and the guilty bytes when a promise was broken.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

INPUT_BYTES_MAX = 4096
SPARE_S = 500
SEED = 20261122


class Found(msgspec.Struct, frozen=True):
    """What fuzzing one target came to: `guilty` is the input that broke a promise, in hex, or empty."""

    name: str
    well: bool
    words: str
    guilty: str = ""


def fuzz(name: str, *, runs: int = 0, run_s: int = 0) -> Found:
    """Fuzz one target for `runs` inputs or `run_s` seconds."""
    with tempfile.TemporaryDirectory(prefix="yizhan-fuzz-") as folder:
        limits = [f"-runs={runs}"] if runs else [f"-max_total_time={run_s}"]
        program = [sys.executable, "-m", "tests.rig.fuzz_one", name, folder, *limits]
        fixed = [
            f"-seed={SEED}",
            f"-max_len={INPUT_BYTES_MAX}",
            f"-artifact_prefix={folder}/crash-",
            "-verbosity=0",
        ]
        ended = subprocess.run(
            [*program, *fixed], capture_output=True, text=True, timeout=run_s + SPARE_S, check=False
        )
        guilty = next((path.read_bytes().hex() for path in Path(folder).glob("crash-*")), "")
    return Found(name, ended.returncode == 0, ended.stderr[-4000:], guilty)


def main() -> None:
    from tests.rig.fuzz_targets import TARGETS

    options = argparse.ArgumentParser(description="Fuzz the protocol parsers.")
    options.add_argument("--seconds", type=int, default=20, help="for each target")
    options.add_argument("--runs", type=int, default=0, help="inputs for each target, instead of seconds")
    options.add_argument("names", nargs="*", default=list(TARGETS))
    chosen = options.parse_args()
    guilty = 0
    for name in chosen.names:
        found = fuzz(name, runs=chosen.runs, run_s=chosen.seconds)
        print(f"{name:24} {'well' if found.well else 'BROKEN'}", flush=True)
        if not found.well:
            guilty = 1
            print(found.words, f"input: {found.guilty}", sep="\n", flush=True)
    sys.exit(guilty)


if __name__ == "__main__":
    main()
