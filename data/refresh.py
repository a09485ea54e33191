"""Replaces model_prices.json by a newer map: `python data/refresh.py FILE`. Refuses what is not one."""

import json
import sys
from pathlib import Path


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    prices = json.loads(Path(sys.argv[1]).read_text())
    if not isinstance(prices, dict) or not all(isinstance(entry, dict) for entry in prices.values()):
        print(f"{sys.argv[1]}: not an object of models")
        return 1
    target = Path(__file__).with_name("model_prices.json")
    target.write_text(json.dumps(prices, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(prices)} models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
