#!/usr/bin/env bash
# build_collector.sh [--path|--require]: build the OpenTelemetry Collector of collector-config/builder.yaml into .cache/, once.
# The result is keyed by the manifest and the version of Go, so an edit or a new Go builds anew and everything else is instant.
#   --path     only print where the binary is; exit 1 when it is not built
#   --require  fail when it cannot be built; by default the tests that need it are skipped by name instead
set -euo pipefail
cd "$(dirname "$0")/.."
manifest=collector-config/builder.yaml
root=$PWD/.cache/collector
name=otelcol-langswarm
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

give_up() {
  echo "$1; the tests that need the OpenTelemetry Collector will be skipped" >&2
  if [ "${mode:-}" = --require ]; then exit 1; fi
  exit 0
}

mode=${1:-}
key=$({ cat "$manifest"; go version 2>/dev/null || echo "no go"; } | sha256sum | cut -c1-16)
binary=$root/$key/$name
if [ "$mode" = --path ]; then
  [ -x "$binary" ] && echo "$binary"
  exit
fi
if [ -x "$binary" ]; then exit 0; fi
command -v go >/dev/null || give_up "Go is not installed (https://go.dev/dl)"

mkdir -p "$root"
exec 9>"$root/lock"
if command -v flock >/dev/null; then flock 9; fi # two runs at once build one binary
if [ -x "$binary" ]; then exit 0; fi
work=$(mktemp -d "$root/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$work/log
version=$(sed -n 's/^  version: //p' "$manifest")
echo "building the OpenTelemetry Collector $version (once; a few minutes)" >&2
sed "s|^dist:|dist:\n  output_path: $work/source|" "$manifest" >"$work/builder.yaml"
if ! GOBIN=$work go install "go.opentelemetry.io/collector/cmd/builder@v$version" >"$log" 2>&1 ||
  ! "$work/builder" --config "$work/builder.yaml" >>"$log" 2>&1; then
  tail -n 5 "$log" >&2
  give_up "the build failed"
fi
mkdir -p "$root/$key"
mv "$work/source/$name" "$binary"
for old in "$root"/*/; do # binaries of former manifests, and what an interrupted build left
  if [ "$old" != "$root/$key/" ] && [ "$old" != "$work/" ]; then rm -rf "$old"; fi
done
