"""The wheel as users get it: what it weighs, what it brings along, and what importing it does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def wheel() -> Path:
    wheels = sorted((ROOT / "target" / "wheels").glob("gateway_llm-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        pytest.skip("no wheel is built (make wheel)")
    return wheels[-1]


def test_the_wheel_is_small_and_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        entries = files.infolist()
    roots = {entry.filename.split("/")[0] for entry in entries}
    assert all(re.fullmatch(r"gateway|gateway_llm-[\w.]+\.dist-info", root) for root in roots), roots
    names = [entry.filename for entry in entries]
    assert not [name for name in names if name.endswith(".pth")]
    assert {"gateway/py.typed", "gateway/__init__.pyi", "gateway/_gateway.pyi"} <= set(names)
    weight, installed = wheel.stat().st_size, sum(entry.file_size for entry in entries)
    print(f"wheel {weight / 1e6:.2f} MB, installed {installed / 1e6:.2f} MB")
    assert weight <= 12_000_000 and installed <= 30_000_000


def test_the_source_package_builds_without_a_network(tmp_path: Path) -> None:
    """Every crate is in it, for every platform; a build takes minutes, so cargo is only asked for its plan."""
    archives = list((ROOT / "target" / "sdist" / "dist").glob("gateway_llm-*.tar.gz"))
    if not archives:
        pytest.skip("no source package is built (make sdist)")
    assert archives[0].stat().st_size < 100_000_000, "package indexes take no more"
    with tarfile.open(archives[0]) as files:
        files.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    command = ["cargo", "metadata", "--offline", "--format-version", "1", "--manifest-path", "python/Cargo.toml"]
    empty = {**os.environ, "CARGO_HOME": str(tmp_path / "nothing-was-fetched")}
    planned = subprocess.run(command, cwd=root, env=empty, capture_output=True, text=True, check=False)
    assert planned.returncode == 0, planned.stderr
    packages = {package["name"]: package["source"] for package in json.loads(planned.stdout)["packages"]}
    assert {"gateway-python", "gateway", "pyo3", "rustls"} <= set(packages)
    for path in (root / "vendor").iterdir():
        assert (path / "Cargo.toml").is_file(), path


def test_it_needs_pydantic_and_at_most_two_others() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=!~ \[;]", needed)[0] for needed in project["dependencies"]}
    assert "pydantic" in names and len(names) <= 3, names
    assert not [needed for needed in project["dependencies"] if "==" in needed], "ranges, not pins"


def test_importing_asks_no_network_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    """Python's own record of what a program does, for the first import of a process; bytecode is Python's to write."""
    code = """
    import json, os, sys
    told = []
    def hear(event, args):
        if event == "open":
            path, mode, flags = args
            written = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
            if not written or "__pycache__" in str(path):
                return
        elif not event.startswith((
            "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.mkdir",
            "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "shutil.", "tempfile.",
            "urllib.", "http.", "ctypes.dlopen", "webbrowser.", "site.", "sys.addaudithook",
        )):
            return
        told.append([event, [str(argument) for argument in args]])
    sys.addaudithook(hear)
    import gateway
    first = list(told)
    # What is heard at all: a test that cannot hear proves nothing.
    open(sys.argv[1], "w").close()
    print(json.dumps([first, len(told) - len(first)]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "written")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    at_import, heard = json.loads(done.stdout)
    assert at_import == []
    assert heard == 1
