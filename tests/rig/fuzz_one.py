"""One fuzzing process: python -m tests.rig.fuzz_one TARGET FOLDER libFuzzer-options…; see `fuzz.py`."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["drivers", "tests.rig.fuzz_targets"]):
    from tests.rig.fuzz_targets import SEEDS, TARGETS, broken_on_purpose


def main() -> None:
    """Fuzz until the options' limit; the process ends with the fuzzer."""
    name, folder, *options = sys.argv[1:]
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS.get(name, ())):
        (corpus / str(number)).write_bytes(seed)
    target = broken_on_purpose if name == "broken_on_purpose" else TARGETS[name]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
