#!/usr/bin/env bash
# Tells whether what the oracles compare has changed since they last passed.
#
#   e2e/changed.sh needed   exit 0 when they have to run, 1 when they need not
#   e2e/changed.sh done     remember that they passed with what is here now
#
# What they compare: the packages that verify, render and expand, the examples, the
# oracles themselves, their list of differences, all versions, and Go. The stamp lies in .cache/ and, for a
# fresh clone on the same machine, in the user's cache folder beside Go's own.
set -euo pipefail
cd "$(dirname "$0")/.."

folders=(plugin/gate plugin/registry plugin/confined plugin/verify plugin/attest plugin/render plugin/preview/discover/appset examples)
oracles=(e2e/oracles e2e/commandlines e2e/applicationsets plugin/preview/discover/appset/testdata)
stamps=(.cache/oracles.stamps "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/assay/oracles.stamps")

state() {
  {
    go version
    # The main module's tests say nothing about what it answers; the oracles are tests.
    find "${folders[@]}" -type f ! -name '*_test.go' ! -path '*/testdata/*'
    find "${oracles[@]}" -type f
    find plugin -maxdepth 1 -type f -name '*.go' ! -name '*_test.go'
    printf '%s\n' go.mod go.sum e2e/Makefile docs/parity.md plugin/argocd/protocol/plugin.proto
  } | LC_ALL=C sort | while IFS= read -r line; do
    if [ -f "$line" ]; then sha256sum "$line"; else printf '%s\n' "$line"; fi
  done | sha256sum | cut -d' ' -f1
}

case "${1:-}" in
needed)
  now=$(state)
  for stamp in "${stamps[@]}"; do
    if [ -f "$stamp" ] && grep -qx "$now" "$stamp"; then exit 1; fi
  done
  exit 0
  ;;
done)
  now=$(state)
  for stamp in "${stamps[@]}"; do
    mkdir -p "$(dirname "$stamp")" 2>/dev/null || continue
    { [ -f "$stamp" ] && tail -n 19 "$stamp"; printf '%s\n' "$now"; } >"$stamp.new" && mv "$stamp.new" "$stamp"
  done
  ;;
*)
  echo "usage: e2e/changed.sh needed|done" >&2
  exit 64
  ;;
esac
