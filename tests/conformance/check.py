"""Runs both conformance runners and holds their counts against floors.json.

    python tests/conformance/check.py                    # fails when a count is below its floor
    python tests/conformance/check.py --raise            # writes the counts reached as the floors; never lowers one
    python tests/conformance/check.py --only sdk

The SDK runner imports `gateway` with the interpreter that runs this script; the HTTP runner starts the server given by
`--server` (default: `target/debug/gateway`). Every recorded case is run; what is not built yet has a low floor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLOORS = HERE / "floors.json"

Counts = dict[str, list[int]]


def sdk(kind: str) -> Counts:
    """Matched and total by provider (HTTP cases) or by area (tables)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, str(HERE / "replay.py"), "--module", "gateway", "--kind", kind]
        run([*command, "--json", str(out), "--first", "0"])
        counts: Counts = {}
        for key, (matched, total) in json.loads(out.read_text())["by"].items():
            provider, area = key.split("/", 1)
            row = counts.setdefault(area if kind == "table" else provider, [0, 0])
            row[0] += matched
            row[1] += total
        return counts


def server(binary: Path) -> Counts:
    """Matched and total by area."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        start = f"{binary} serve --config {{config}} --host 127.0.0.1 --port {{port}}"
        command = [sys.executable, str(HERE / "proxy" / "run.py"), "replay", "--start", start, "--jobs", "4"]
        run([*command, "--json", str(out), "--first", "0"])
        areas = json.loads(out.read_text())["areas"]
        return {area: list(pair) for area, pair in areas.items()}


def run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1500)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command[:2])} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["sdk", "table", "server"])
    parser.add_argument("--server", type=Path, default=HERE.parent.parent / "target" / "debug" / "gateway")
    parser.add_argument("--raise", dest="lift", action="store_true", help="write the counts reached as the floors")
    args = parser.parse_args()

    runs = {"table": lambda: sdk("table"), "sdk": lambda: sdk("http"), "server": lambda: server(args.server)}
    floors = json.loads(FLOORS.read_text()) if FLOORS.exists() else {}
    below = 0
    for name, runner in runs.items():
        if args.only not in (None, name):
            continue
        counts = runner()
        for part, (matched, total) in sorted(counts.items()):
            floor = floors.setdefault(name, {}).get(part, 0)
            short = matched < floor
            below += short
            print(f"{name:7} {part:20} {matched:5} / {total:5}   floor {floor}{'   BELOW' if short else ''}")
            floors[name][part] = max(floor, matched)
        print(f"{name:7} {'= all':20} {sum(m for m, _ in counts.values()):5} / {sum(t for _, t in counts.values()):5}")
    if args.lift:
        FLOORS.write_text(json.dumps(floors, indent=1, sort_keys=True) + "\n")
    if below:
        print(f"{below} counts fell below their floor (tests/conformance/floors.json)")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
