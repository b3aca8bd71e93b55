#!/usr/bin/env bash
# install.sh UV PYTHON WHAT...: install this package (an editable path or a wheel with extras), the test and lint tools, and LangSwarm.
# LangSwarm's own dependencies weigh 945 MB, nearly all of them for back ends that nothing here uses; these few are what its core,
# its agents and its memory import (an import of langswarm_memory fails without google-cloud-bigquery).
set -euo pipefail
uv=$1 python=$2
shift 2
cd "$(dirname "$0")/.."
"$uv" pip install -q --python "$python" --group test --group lint "$@" build \
  pyyaml aiohttp numpy redis 'google-cloud-bigquery>=3,<4'
"$uv" pip install -q --python "$python" --no-deps 'langswarm>=0.1,<0.2' 'langswarm-memory==0.2.0'
# The GenAI instrumentations of others, whose spans the Collector gives the standard names: in a folder of their own, because installed they
# would be found by opentelemetry-instrument and patch the same client.
"$uv" pip install -q --python "$python" --no-deps --target "$("$python" -c 'import sys; print(sys.prefix)')/genai-peers" \
  openinference-instrumentation openinference-instrumentation-openai openinference-semantic-conventions \
  opentelemetry-instrumentation-openai opentelemetry-semantic-conventions-ai
