#!/usr/bin/env bash
# Runs autobump with what the action was given. It comes in variables and stays data: what looks like an option
# or a command is a name like any other. The exit code is autobump's.
set -euo pipefail

report="$RUNNER_TEMP/autobump/report"
rm -rf "$report"
mkdir -p "$report"

# The table goes to a file: a name in it may wrap, and a line that begins with two colons commands the runner.
arguments=(
  run --forge github --actions "--repo=$REPO" "--rev=$REV" "--output=$report/autobump.txt"
  "--report=$report/autobump.json" "--report=$report/autobump.html"
)

case "$DRY_RUN" in
  true) arguments+=(--dry-run) ;;
  false | "") ;; # a scheduled run has no inputs
  *)
    echo "autobump: dry-run must be true or false" >&2
    exit 2
    ;;
esac

case "$VERIFY" in
  load | true) arguments+=(--set=verify.engine=docker --set=verify.level=load) ;;
  tests) arguments+=(--set=verify.engine=docker --set=verify.level=tests) ;;
  false | "") ;;
  *)
    echo "autobump: verify must be false, true, load or tests" >&2
    exit 2
    ;;
esac

add_each() { # OPTION NAMES
  local name
  while IFS= read -r name; do
    if [ -n "$name" ]; then arguments+=("$1=$name"); fi
  done < <(tr -s '[:space:]' '\n' <<<"$2")
}

add_each --image "$IMAGES"
add_each --pack "$PACKS"
# A file may have spaces in its name.
while read -r file; do
  if [ -n "$file" ]; then arguments+=("--evidence=$file"); fi
done < <(tr -d '\r' <<<"$EVIDENCE")
if [ -n "$TAGS" ]; then arguments+=("--tags=$TAGS"); fi
if [ -n "$CONFIG" ]; then arguments+=("--config=$CONFIG"); fi

exec "$RUNNER_TEMP/autobump/venv/bin/autobump" "${arguments[@]}"
