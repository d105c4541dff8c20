"""Random programs by their numbers: `python -m tests.fuzz 1234` or `python -m tests.fuzz 0 2000`.

What differs is printed at its smallest.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.programs import difference


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("first", type=int, help="the number of the first program")
    parser.add_argument("end", type=int, nargs="?", help="the number after the last one's")
    parser.add_argument("--backend", default="numpy", choices=["numpy", "jax"])
    parser.add_argument("--forward", action="store_true", help="the programs without reverse mode")
    args = parser.parse_args()
    end = args.first + 1 if args.end is None else args.end
    start, count = time.perf_counter(), 0
    for number in range(args.first, end):
        found = difference(number, args.backend, args.forward)
        if found:
            count += 1
            print(found, flush=True)
    took = time.perf_counter() - start
    print(f"programs {args.first} to {end - 1}: {count} differ, {took:.0f} s", flush=True)
    return count > 0


if __name__ == "__main__":
    sys.exit(main())
