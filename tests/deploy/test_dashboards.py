"""Board and rules against a live server: every metric they name exists, and a real Prometheus answers every query."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import CHART, KEY, ROOT, ask, free_port, tool, traffic, until_alive

BOARD = json.loads((CHART / "dashboards" / "gateway.json").read_text())
RULES = CHART / "rules" / "gateway.yaml"

#: Panels that this test's traffic gives nothing to show: no provider tells what is left, nothing reloads or cools down.
QUIET = {
    "Read from the provider's cache",
    "Cooldowns a minute",
    "Requests left at the provider",
    "Tokens left at the provider",
    "Series folded into `other`",
}


def queries() -> list[tuple[str, str]]:
    """Title and query of every panel, and every rule."""
    found = [(panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel.get("targets", [])]
    found += [
        (rule.get("record") or rule["alert"], rule["expr"])
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
    ]
    return found


def filled(query: str) -> str:
    return query.replace("$__rate_interval", "30s").replace("$model", ".*")


def test_the_board_is_what_its_script_writes() -> None:
    script = ROOT / "deploy" / "grafana" / "dashboard.py"
    assert subprocess.run([sys.executable, str(script), "--check"], check=False).returncode == 0


def test_the_rules_are_well_formed() -> None:
    promtool = tool("promtool", "apt-get install prometheus")
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_that_a_query_names_exists(server: str) -> None:
    text = ask(f"{server}/metrics")[1].decode()
    offered = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    offered |= {f"{name}_bucket" for name in re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE)}
    named = {name for _, query in queries() for name in re.findall(r"\b(?:litellm|gateway)_[a-z_]+", query)}
    # Labels look like metrics; what comes before a brace, a bracket or an operator is one.
    named -= {"litellm_model_name"}
    assert named, "no query names a metric"
    assert named <= offered, sorted(named - offered)


@pytest.fixture(scope="module")
def prometheus(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has scraped the server while it had traffic."""
    program = tool("prometheus", "apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [
                    {
                        "job_name": "gateway",
                        "authorization": {"credentials": KEY},
                        "static_configs": [{"targets": [server.removeprefix("http://")]}],
                    }
                ],
            }
        )
    )
    port = free_port()
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        until_alive(base, process, "/-/ready")
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            traffic(server)
            if results(base, "count_over_time(up[1m]) > 4"):
                break
            time.sleep(0.5)
        yield base
    finally:
        process.terminate()
        process.wait(20)


def results(base: str, query: str) -> list[Any]:
    status, body = ask(f"{base}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    answer = json.loads(body)
    assert status == 200, f"{query}: {answer.get('error')}"
    found: list[Any] = answer["data"]["result"]
    return found


def test_prometheus_answers_every_query(prometheus: str) -> None:
    # A query that Prometheus refuses fails in `results`, whatever it would have brought.
    brought = [(title, results(prometheus, filled(query))) for title, query in queries()]
    panels = {panel["title"] for panel in BOARD["panels"] if panel.get("targets")}
    assert panels - {title for title, result in brought if result} <= QUIET


def test_no_rule_fails_and_the_recorded_series_exist(prometheus: str) -> None:
    groups = json.loads(ask(f"{prometheus}/api/v1/rules")[1])["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
    assert results(prometheus, "gateway:requests:rate5m")


def test_a_board_of_litellms_own_gets_answers(prometheus: str) -> None:
    """The queries that LiteLLM's published boards make of the metrics that exist here."""
    for query in (
        "sum(increase(litellm_proxy_total_requests_metric_total[1m]))",
        "sum(increase(litellm_proxy_failed_requests_metric_total[1m])) by (exception_status, exception_class)",
        "histogram_quantile(0.95, sum(rate(litellm_request_total_latency_metric_bucket[1m])) by (le, model))",
        "histogram_quantile(0.95, sum(rate(litellm_llm_api_latency_metric_bucket[1m])) by (le, model))",
        "histogram_quantile(0.5, sum(rate(litellm_overhead_latency_metric_bucket[1m])) by (le))",
        "sum(increase(litellm_spend_metric_total[1m])) by (model)",
        "sum(increase(litellm_total_tokens_metric_total[1m])) by (model)",
        "sum(increase(litellm_deployment_success_responses_total[1m])) by (litellm_model_name)",
        "litellm_deployment_state",
    ):
        assert results(prometheus, query), query


def test_the_exposition_is_clean(server: str) -> None:
    promtool = tool("promtool", "apt-get install prometheus")
    text = ask(f"{server}/metrics")[1]
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    # 1 is an error, 3 are remarks on names, which are LiteLLM's.
    assert done.returncode in (0, 3), done.stderr.decode()
