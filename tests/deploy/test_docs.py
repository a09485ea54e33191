"""README and docs: the site builds without a broken link, and what pages show is run as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, ROOT, free_port, until_alive

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

#: Commands that this folder's other tests, CI itself or no test runs: what builds, needs a daemon, or needs a cluster.
ELSEWHERE = ("make ", "cargo ", "docker ", "helm ", "kubectl ", "python benches/", "cp deploy/systemd/", "systemctl ")


def blocks(language: str) -> list[pytest.param]:
    """Every block of a language, named by page and line."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 2
            found.append(pytest.param(match[1], id=f"{page.name}:{line}"))
    return found


@pytest.fixture(scope="module")
def here(binary: Path, tmp_path_factory: pytest.TempPathFactory):
    """A folder as a reader would have it: the binary on the path, a configuration, and a server that runs."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "config.yaml").write_text(
        "model_list:\n  - model_name: mock/echo\n    litellm_params: {model: mock/echo}\n"
        "general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n"
    )
    (folder / "bin").mkdir()
    (folder / "bin" / "gateway").symlink_to(binary)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "app.py").write_text("import litellm\nprint(litellm.__name__)\n")
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LITELLM_MASTER_KEY": KEY,
    }
    for name in [name for name in environment if name.endswith("_API_KEY")]:
        del environment[name]
    without_key = {name: value for name, value in environment.items() if name != "LITELLM_MASTER_KEY"}
    command = [str(binary), "serve", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=without_key, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_alive(f"http://127.0.0.1:{port}", process)
        yield folder, environment, port
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("snippet", blocks("yaml"))
def test_a_configuration_shown_is_taken(snippet: str, here) -> None:
    folder, environment, _ = here
    file = folder / "shown.yaml"
    file.write_text(snippet)
    done = subprocess.run(["gateway", "check", str(file)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert ", 0 unknown, " in done.stdout, done.stdout


@pytest.mark.parametrize("snippet", blocks("python"))
def test_python_shown_runs(snippet: str, here) -> None:
    folder, environment, _ = here
    # A provider's reply takes a key: the same call of the model that needs none.
    snippet = re.sub(r'model="(?!mock/|no-such)[^"]+"', 'model="mock/echo"', snippet)
    snippet = snippet.replace("messages=[...]", 'messages=[{"role": "user", "content": "hello"}]')
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("snippet", blocks("sh"))
def test_commands_shown_run(snippet: str, here) -> None:
    folder, environment, port = here
    for command in snippet.replace("\\\n", " ").splitlines():
        command = command.strip()
        if not command or command.startswith("#") or command.startswith(ELSEWHERE):
            continue
        words = [word.replace(":4000", f":{port}") for word in shlex.split(command, comments=True)]
        if "serve" in words:
            serves([*words, "--port", str(free_port())], folder, environment)
            continue
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert '"error"' not in done.stdout, done.stdout


def serves(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    """A command that goes on until it is stopped."""
    process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_alive(f"http://127.0.0.1:{words[-1]}", process)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_the_site_builds_without_a_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="pip install -r tests/deploy/requirements.txt")
    assert (ROOT / "docs" / "reference" / "providers.md").exists(), "make docs writes the pages of tables"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reference" / "keys" / "index.html").exists()
