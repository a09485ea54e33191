"""Draws the board for the documentation: `docs/board.png`.

Grafana is not started: every panel of `charts/gateway/dashboards/gateway.json` is drawn here from the answers that a
real Prometheus gives to the panel's own queries, while a real server has traffic. Needs `gateway` built, Prometheus and
matplotlib (`pip install matplotlib`).

python deploy/grafana/picture.py [SECONDS of traffic, by default 120]
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "charts" / "gateway" / "dashboards" / "gateway.json"
PICTURE = ROOT / "docs" / "board.png"
BINARY = ROOT / "target" / "debug" / "gateway"
KEY = "sk-picture-of-the-board"
STEP = 2.0

CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: unused, api_base: "%(up)s/a/v1", max_parallel_requests: 12}
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: unused, api_base: "%(up)s/b/v1", max_parallel_requests: 12}
  - model_name: gpt-4o-mini
    litellm_params: {model: openai/gpt-4o-mini, api_key: unused, api_base: "%(up)s/a/v1", max_parallel_requests: 12}
router_settings:
  num_retries: 2
  fallbacks: [{gpt-4o: [gpt-4o-mini]}]
  circuit_breaker: {ejection_time: 8}
  hedging: true
  max_queued_requests: 20
general_settings:
  master_key: %(key)s
  max_in_flight_requests_per_worker: 40
"""


class Upstream(BaseHTTPRequestHandler):
    """A provider with moods: what is below `/b` fails while `ill` is set."""

    protocol_version = "HTTP/1.1"
    ill = False

    def log_message(self, *line: object) -> None: ...

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(random.lognormvariate(-2.2, 0.5))
        if self.path.startswith("/b") and Upstream.ill:
            self.answer(500, "application/json", b'{"error": {"message": "ill", "type": "server_error"}}')
            return
        used = {"prompt_tokens": random.randint(200, 900), "completion_tokens": random.randint(20, 200)}
        used["total_tokens"] = sum(used.values())
        cached = {"prompt_tokens_details": {"cached_tokens": used["prompt_tokens"] // 2}}
        base = {"id": "c", "created": 1, "model": asked["model"], "usage": used | cached}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "Hello."}
            whole = base | {"object": "chat.completion"}
            whole["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
            self.answer(200, "application/json", json.dumps(whole).encode())
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("x-ratelimit-remaining-requests", str(random.randint(9000, 9900)))
        self.send_header("x-ratelimit-remaining-tokens", str(random.randint(900_000, 990_000)))
        self.send_header("connection", "close")
        self.end_headers()
        for at in range(10):
            time.sleep(0.02)
            chunk = {"id": "c", "created": 1, "model": asked["model"], "object": "chat.completion.chunk"}
            chunk["choices"] = [
                {"index": 0, "delta": {"content": "word "}, "finish_reason": "stop" if at == 9 else None}
            ]
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.write(b"data: " + json.dumps(base | {"choices": []}).encode() + b"\n\ndata: [DONE]\n\n")
        self.close_connection = True

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Provider(ThreadingHTTPServer):
    """Keeps quiet about calls that the gateway gave up, as those that another deployment outran."""

    def handle_error(self, request: object, client_address: object) -> None: ...


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def ask(url: str, body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as reply:
        answer: bytes = reply.read()
    return answer


def caller(base: str, ends: float) -> None:
    """One client: it asks, waits a little, and asks again."""
    while time.monotonic() < ends:
        model = random.choice(["gpt-4o", "gpt-4o", "gpt-4o-mini"])
        body = {"model": model, "stream": random.random() < 0.5, "messages": [{"role": "user", "content": "hello"}]}
        try:
            ask(f"{base}/v1/chat/completions", body)
        except urllib.error.HTTPError as error:
            error.read()
        except OSError:
            pass
        time.sleep(random.expovariate(3))


def until_up(url: str) -> None:
    for _ in range(200):
        try:
            ask(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no answer from {url}")


def series(
    prometheus: str, query: str, start: float, end: float
) -> list[tuple[dict[str, str], list[float], list[float]]]:
    filled = query.replace("$__rate_interval", "15s").replace("$model", ".*")
    asked = urllib.parse.urlencode({"query": filled, "start": start, "end": end, "step": STEP})
    found = json.loads(ask(f"{prometheus}/api/v1/query_range?{asked}"))["data"]["result"]
    points = [(each["metric"], [(float(t), float(v)) for t, v in each["values"]]) for each in found]
    return [(labels, [t - start for t, _ in line], [v for _, v in line]) for labels, line in points]


def legend(text: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text.replace("http://", "")


UNITS = {
    "s": lambda v, _: f"{v * 1000:.3g} ms" if abs(v) < 1 else f"{v:.3g} s",
    "percentunit": lambda v, _: f"{v * 100:.3g} %",
    "reqps": lambda v, _: f"{v:.3g} req/s",
    "currencyUSD": lambda v, _: f"${v:.3g}",
    "short": lambda v, _: f"{v:,.4g}",
}


def draw(prometheus: str, start: float, end: float) -> None:
    board = json.loads(BOARD.read_text())
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    mpl.rcParams.update(
        {"font.size": 7, "axes.facecolor": "#181b1f", "text.color": "#d0d4da", "font.family": "sans-serif"}
    )
    colours = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#5794f2", "#96d98d"]
    figure = plt.figure(figsize=(15, rows * 0.3), facecolor="#111217")
    for panel in board["panels"]:
        at = panel["gridPos"]
        y = 1 - (at["y"] + at["h"]) / rows
        if panel["type"] == "row":
            figure.text(0.012, y + 0.35 / rows, panel["title"], fontsize=10, weight="bold")
            continue
        unit = UNITS[panel["fieldConfig"]["defaults"]["unit"]]
        box = (at["x"] / 24 + 0.034, y + 1.3 / rows, at["w"] / 24 - 0.042, (at["h"] - 2.7) / rows)
        lines = [
            (legend(target["legendFormat"], labels), times, values)
            for target in panel["targets"]
            for labels, times, values in series(prometheus, target["expr"], start, end)
        ]
        figure.text(at["x"] / 24 + 0.012, y + (at["h"] - 0.9) / rows, panel["title"], fontsize=8)
        if panel["type"] == "stat":
            said = unit(lines[0][2][-1], None) if lines else "no data"
            middle = (at["x"] + at["w"] / 2) / 24
            figure.text(middle, y + 1.2 / rows, said, fontsize=15, color="#73bf69", ha="center")
            continue
        axes = figure.add_axes(box)
        for nth, (name, times, values) in enumerate(lines):
            axes.plot(times, values, linewidth=1, color=colours[nth % len(colours)], label=name)
        if lines:
            axes.legend(loc="upper left", fontsize=5.5, frameon=False, labelcolor="#d0d4da", ncols=2)
        else:
            axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", color="#8e8e8e")
        axes.set_xlim(0, end - start)
        highest = max((value for _, _, values in lines for value in values if value == value), default=1)
        axes.set_ylim(0, 1.35 * highest or 1)
        axes.yaxis.set_major_formatter(FuncFormatter(unit))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{int(seconds // 60)}:{int(seconds % 60):02}"))
        axes.grid(color="#2c3235", linewidth=0.5)
        axes.tick_params(colors="#8e8e8e", length=0, labelsize=6)
        for spine in axes.spines.values():
            spine.set_visible(False)
    figure.savefig(PICTURE, dpi=75, facecolor=figure.get_facecolor())


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    upstream = Provider(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = folder / "config.yaml"
        config.write_text(CONFIG % {"up": f"http://127.0.0.1:{upstream.server_port}", "key": KEY})
        port, its = free_port(), free_port()
        base, prometheus = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{its}"
        scrape = {"job_name": "gateway", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        scrape |= {"authorization": {"credentials": KEY}}
        (folder / "prometheus.yaml").write_text(
            json.dumps({"global": {"scrape_interval": "2s"}, "scrape_configs": [scrape]})
        )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [str(BINARY), "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, **quiet)
        settings = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
        watcher = subprocess.Popen(["prometheus", *settings, f"--web.listen-address=127.0.0.1:{its}"], **quiet)
        try:
            until_up(f"{base}/health/live")
            until_up(f"{prometheus}/-/ready")
            begun, ends = time.time(), time.monotonic() + seconds
            callers = [threading.Thread(target=caller, args=(base, ends)) for _ in range(24)]
            for thread in callers:
                thread.start()
            time.sleep(seconds * 0.4)
            Upstream.ill = True
            time.sleep(seconds * 0.25)
            Upstream.ill = False
            for thread in callers:
                thread.join()
            draw(prometheus, begun + 10, time.time())
        finally:
            for process in (server, watcher):
                process.terminate()
                process.wait(30)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
