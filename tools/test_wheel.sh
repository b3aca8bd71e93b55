#!/usr/bin/env bash
# test_wheel.sh BIN oldest|newest [PYTEST ARGS...]: build the wheel, install it into an environment of its own, run the tests on it there.
set -euo pipefail
bin=$1 which=$2
shift 2
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/.cache/wheel-$which
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "failed: $*" >&2; exit 1; }; }
rm -rf "$root/.cache/dist"
run "$bin/python" -m build --wheel --installer uv -o "$root/.cache/dist" "$root"
wheel=$(ls "$root"/.cache/dist/*.whl)
[ -x "$venv/bin/python" ] || run "$bin/python" -m venv "$venv"
pins=()
# The patch releases of one OpenTelemetry minor are published in step, except where a package had no patch; so the oldest are pinned together.
if [ "$which" = oldest ]; then
  pins=('opentelemetry-api==1.45.0' 'opentelemetry-sdk==1.45.0' 'opentelemetry-semantic-conventions==0.66b0'
        'opentelemetry-exporter-otlp-proto-http==1.45.0' 'opentelemetry-instrumentation==0.66b0')
fi
run tools/install.sh "$root/$bin/uv" "$venv/bin/python" --reinstall-package langswarm-otel "langswarm-otel[all] @ file://$wheel" "${pins[@]}"
mkdir -p "$root/.cache/run-$which"
# From another folder, so that the checkout cannot stand in for the wheel; -P keeps the working folder off sys.path.
cd "$root/.cache/run-$which"
"$venv/bin/python" -c "import langswarm_otel, pathlib; assert 'site-packages' in langswarm_otel.__file__, langswarm_otel.__file__"
echo "on the wheel, with opentelemetry-sdk $("$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("opentelemetry-sdk"))')"
exec "$venv/bin/python" -P -m pytest -q -n 2 --reruns 2 -c "$root/pyproject.toml" --rootdir "$root" "$root/tests" "$@"
