"""The image: its last stage built from the static binary without a daemon, started, and asked for a completion."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CONFIG, KEY, ROOT, ask, chat, free_port, tool, until_alive

#: The image's bound, bytes.
LARGEST = 20_000_000
#: From the start of the process to the first answer, seconds.
SLOWEST = 0.3


@pytest.fixture(scope="module")
def static() -> Path:
    found = os.environ.get("GATEWAY_STATIC_BINARY")
    if not found:
        pytest.skip("GATEWAY_STATIC_BINARY is not set (make check-deploy builds the static binary and sets it)")
    return Path(found)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    program = tool("buildah", "apt-get install buildah")
    if os.geteuid() != 0:
        pytest.skip("building an image without a daemon takes root here")
    folder = tmp_path_factory.mktemp("buildah")
    return [program, "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-6:]}: {done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def container(buildah: list[str], static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The container's name, and the folder in which its root lies."""
    # What the first stage would have built; a build context of a stage's name stands in for the stage.
    built = tmp_path_factory.mktemp("built")
    (built / "out").mkdir()
    (built / "out" / "gateway").write_bytes(static.read_bytes())
    (built / "out" / "gateway").chmod(0o755)
    (built / "out" / "tmp").mkdir()
    (built / "out" / "tmp").chmod(0o1777)
    policy = built / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    trust = ["--signature-policy", str(policy)]
    build = ["build", *trust, "--isolation", "chroot", "--format", "docker", "--build-context", f"build={built}"]
    run([*buildah, *build, "--target", "image", "--tag", "gateway:test", str(ROOT)])
    name = run([*buildah, "from", *trust, "--pull-never", "gateway:test"])
    yield name, Path(run([*buildah, "mount", name]))
    run([*buildah, "rm", name])


def test_the_image_is_one_small_static_file(container: tuple[str, Path]) -> None:
    files = [path for path in container[1].rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["gateway"]
    size = files[0].stat().st_size
    assert size < LARGEST, f"{size} bytes"


def test_the_image_says_how_it_runs(buildah: list[str], container: tuple[str, Path]) -> None:
    config = json.loads(run([*buildah, "inspect", "--type", "image", "gateway:test"]))["Docker"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/gateway"]
    assert config["Cmd"] == ["serve"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/gateway", "health"]


def test_a_container_answers_at_once_as_nobody(buildah: list[str], container: tuple[str, Path], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG % KEY)
    port = free_port()
    inside = ["/gateway", "--config", "/config.yaml", "--port", str(port)]
    volume = f"--volume={config}:/config.yaml:ro"
    command = [*buildah, "run", "--isolation", "chroot", volume, container[0], "--", *inside]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        until_alive(base, process)
        answered = time.time()
        pid = served_by(port)
        assert chat(base, "works") == 200
        assert ask(f"{base}/v1/models")[0] == 200
        status = Path(f"/proc/{pid}/status").read_text()
        assert "Uid:\t65532\t65532\t65532\t65532" in status
        assert answered - started(pid) < SLOWEST
        health = [
            *buildah,
            "run",
            "--isolation",
            "chroot",
            container[0],
            "--",
            "/gateway",
            "health",
            "--port",
            str(port),
        ]
        run(health)
        os.kill(pid, 15)
        assert process.wait(20) == 0
        assert subprocess.run(health, capture_output=True, check=False).returncode == 1
    finally:
        process.kill()


def served_by(port: int) -> int:
    """The process that was given this port."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"/gateway" and str(port).encode() in words:
            return int(path.parent.name)
    raise AssertionError("the server's process is not to be seen")


def started(pid: int) -> float:
    """When a process started, seconds since the epoch, from /proc."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
