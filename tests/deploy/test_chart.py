"""The chart: it renders, what it renders is valid, and its parts fit each other and the binary."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CHART, ROOT, tool

EVERYTHING = [
    "--set=masterKey.value=sk-0123456789abcdef",
    "--set=autoscaling.enabled=true,networkPolicy.enabled=true,serviceMonitor.enabled=true",
    "--set=prometheusRule.enabled=true,dashboard.enabled=true,ingress.enabled=true",
    "--set=ingress.hosts={gateway.example.com},envFromSecrets={provider-keys}",
]


def render(helm: str, *settings: str) -> list[dict[str, Any]]:
    command = [helm, "template", "gateway", str(CHART), *(settings or EVERYTHING)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def test_the_chart_is_clean(helm: str) -> None:
    done = subprocess.run(
        [helm, "lint", "--strict", str(CHART), *EVERYTHING], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "wrong",
    ["replicas=3", "drain.grace=5", "service.port=70000", "image.digest=latest", "serviceMonitor.interval=often"],
)
def test_a_wrong_value_is_refused(helm: str, wrong: str) -> None:
    command = [helm, "template", "g", str(CHART), *EVERYTHING, "--set", wrong]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert wrong.split("=")[0].split(".")[-1] in done.stderr


def test_a_chart_without_a_master_key_is_refused(helm: str) -> None:
    done = subprocess.run([helm, "template", "g", str(CHART)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "masterKey.existingSecret or masterKey.value must be set" in done.stderr


def test_everything_it_renders_is_valid(helm: str, tmp_path: Path) -> None:
    validate = tool("kubernetes-validate", "pip install -r tests/deploy/requirements.txt")
    # Kinds of the Prometheus operator are not Kubernetes' own: they have no schema here.
    own = [document for document in render(helm) if document["apiVersion"] != "monitoring.coreos.com/v1"]
    assert len(own) == 10
    rendered = tmp_path / "all.yaml"
    rendered.write_text(yaml.safe_dump_all(own))
    done = subprocess.run([validate, "--strict", str(rendered)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pod_outlives_its_drain(helm: str) -> None:
    pod = one(render(helm), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    grace = int(container["args"][container["args"].index("--grace") + 1])
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > before + grace


def test_the_pod_can_do_as_little_as_possible(helm: str) -> None:
    pod = one(render(helm), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_configuration_is_mounted_so_that_changes_arrive(helm: str) -> None:
    pod = one(render(helm), "Deployment")["spec"]["template"]["spec"]
    mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "config")
    assert "subPath" not in mount
    assert f"{mount['mountPath']}/config.yaml" in pod["containers"][0]["args"]


def test_the_binary_takes_the_rendered_configuration_and_arguments(helm: str, binary: Path, tmp_path: Path) -> None:
    documents = render(helm)
    config = next(d for d in documents if d["kind"] == "ConfigMap" and "config.yaml" in d["data"])
    file = tmp_path / "config.yaml"
    file.write_text(config["data"]["config.yaml"])
    done = subprocess.run([str(binary), "check", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    known = subprocess.run([str(binary), "serve", "--help"], capture_output=True, text=True, check=True).stdout
    (container,) = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    for flag in (argument for argument in container["args"] if argument.startswith("--")):
        assert f"{flag} " in known, flag


def test_the_plain_manifests_are_the_charts(helm: str) -> None:
    """`make manifests` renders them anew."""
    shipped = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "gateway.yaml").read_text()))
    values = ROOT / "deploy" / "kubernetes" / "values.yaml"
    assert shipped == render(helm, "--namespace=gateway", f"--values={values}")
