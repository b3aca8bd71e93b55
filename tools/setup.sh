#!/usr/bin/env bash
# Make the virtual environment: this package (editable), everything its tests need, and the real LangSwarm by its small install.
set -euo pipefail
venv=$1 python=$2
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "set-up failed: $*" >&2; exit 1; }; }
echo "setting up $venv (once)" >&2
[ -x "$venv/bin/python" ] || run "$python" -m venv "$venv"
[ -x "$venv/bin/uv" ] || run "$venv/bin/python" -m pip install -q --disable-pip-version-check uv
run tools/install.sh "$venv/bin/uv" "$venv/bin/python" --editable '.[all]'
