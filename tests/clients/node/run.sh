#!/bin/sh
# Installs the Node clients beside this file and runs what pytest runs with them: `tests/clients/node/run.sh`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
npm install --prefix "$here" --no-audit --no-fund --no-package-lock
exec "${PYTHON:-python3}" -m pytest "$here/../test_node.py" "$@"
