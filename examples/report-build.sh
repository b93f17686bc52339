#!/bin/sh
# Runs a CI job's command and reports how it ended; its exit code is the command's.
#
#     examples/report-build.sh make test
#
# OROCHI_URL and OROCHI_TOKEN say which hub. OROCHI_AGENT is the name to report under, OROCHI_CHANNEL where (#builds).
# With OROCHI_NOTIFY=api-claude a failure is a request to that agent, which wakes it.
set -u

log=$(mktemp)
trap 'rm -f "$log"' EXIT
began=$(date +%s)
"$@" >"$log" 2>&1
code=$?
cat "$log"
seconds=$(($(date +%s) - began))

if [ "$code" -eq 0 ]; then
    intent=inform
    text="passed after $seconds s: $*"
else
    intent=request
    text="failed with exit code $code after $seconds s: $*${OROCHI_NOTIFY:+ @$OROCHI_NOTIFY}

\`\`\`
$(tail -n 20 "$log")
\`\`\`"
fi

# A hub that is away must not fail the build.
printf '%s\n' "$text" |
    orochi --name "${OROCHI_AGENT:-ci}" send "${OROCHI_CHANNEL:-#builds}" - --intent "$intent" >&2 ||
    echo "the build was not reported" >&2
exit "$code"
