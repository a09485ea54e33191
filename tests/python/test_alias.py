"""Under the name `litellm`: in this process, and for a program run by `python -m gateway run`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from test_process import run

PROGRAM = """
import importlib, importlib.metadata, sys
import litellm
import litellm as again
from litellm import completion, ModelResponse
from litellm.types.utils import ModelResponse as same
from litellm.exceptions import RateLimitError
import litellm.utils
main = importlib.import_module("litellm.main")
assert litellm is again is sys.modules["gateway"], litellm
assert ModelResponse is same is litellm.ModelResponse
assert main.completion is completion and litellm.utils.token_counter is litellm.token_counter
assert issubclass(RateLimitError, litellm.exceptions.openai.RateLimitError)
reply = completion(model="mock/echo", messages=[{"role": "user", "content": "x"}], mock_response="hello")
print(reply.choices[0].message.content, importlib.metadata.version("litellm"), sys.argv[1:], __name__)
"""
SAID = "hello 1.109.1 ['a', 'b'] __main__"


def test_the_alias_is_the_package_itself() -> None:
    printed = run(f"import sys; sys.argv[1:] = ['a', 'b']; import gateway; gateway.install_as_litellm()\n{PROGRAM}")
    assert printed.strip() == SAID


def test_installing_twice_does_nothing() -> None:
    printed = run(
        """
        import sys, gateway
        gateway.install_as_litellm()
        finders = len(sys.meta_path)
        gateway.install_as_litellm()
        print(len(sys.meta_path) - finders)
        """
    )
    assert printed.strip() == "0"


def test_the_modules_keep_their_own_names() -> None:
    printed = run(
        """
        import gateway
        gateway.install_as_litellm()
        import litellm.main, litellm.types.utils
        print(gateway.main.__spec__.name, gateway.types.utils.__spec__.name, gateway.main is litellm.main)
        """
    )
    assert printed.strip() == "gateway.main gateway.types.utils True"


def test_another_litellm_that_is_imported_already_is_refused(tmp_path: Path) -> None:
    (tmp_path / "litellm.py").write_text("")
    printed = run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import litellm, gateway
        try:
            gateway.install_as_litellm()
        except RuntimeError as error:
            print("hint: call gateway.install_as_litellm() before" in str(error))
        """
    )
    assert printed.strip() == "True"


def test_a_litellm_that_is_installed_is_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm" / "__init__.py").write_text("raise SystemExit('the other one')")
    (tmp_path / "litellm" / "proxy.py").write_text("raise SystemExit('the other one')")
    printed = run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import gateway
        gateway.install_as_litellm()
        import litellm
        try:
            import litellm.proxy
        except ModuleNotFoundError as error:
            print(error.name)
        """
    )
    assert printed.strip() == "litellm.proxy"


def test_the_shim_gives_the_name_to_this_package() -> None:
    shim = Path(__file__).parents[2] / "litellm-shim"
    printed = run(
        f"""
        import sys
        sys.path.insert(0, {str(shim)!r})
        import litellm
        from litellm.types.utils import ModelResponse
        import gateway
        print(litellm is gateway, ModelResponse is gateway.ModelResponse)
        """
    )
    assert printed.strip() == "True True"


def gateway_run(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "run", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_script_runs_on_this_package(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert gateway_run("program.py", "a", "b", cwd=tmp_path) == SAID


def test_a_module_runs_on_this_package(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(PROGRAM)
    assert gateway_run("-m", "package", "a", "b", cwd=tmp_path) == SAID


def test_run_passes_the_exit_status_on(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; sys.exit(7)")
    done = subprocess.run([sys.executable, "-m", "gateway", "run", "program.py"], cwd=tmp_path, timeout=60)
    assert done.returncode == 7
