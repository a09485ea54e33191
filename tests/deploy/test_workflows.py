"""The workflows: they are valid, least privileged, and every action is pinned to a commit."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml
from conftest import ROOT, tool

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
HINT = "pip install -r tests/deploy/requirements.txt"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return content


def test_the_workflows_are_valid() -> None:
    done = subprocess.run([tool("actionlint", HINT), *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_are_safe() -> None:
    command = [tool("zizmor", HINT), "--offline", "--no-progress", *WORKFLOWS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_and_says_its_version(path: Any) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_may_write_unless_a_job_says_so(path: Any) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_publishing_needs_no_long_lived_secret() -> None:
    text = (FOLDER / "release.yml").read_text()
    named = set(re.findall(r"secrets\.(\w+)", text))
    assert named <= {"GITHUB_TOKEN"}
    assert read("release.yml")["jobs"]["publish"]["permissions"]["id-token"] == "write"
