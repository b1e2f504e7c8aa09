#!/bin/sh
# Talks to the gate service for the pipeline steps. The token comes by environment and reaches curl
# on standard input, so that neither the log nor the process list shows it.
#
#   speed-gate.sh upload FILE            PUT the build under its SHA-256
#   speed-gate.sh submit FILE KEY        POST a run request (JSON) with an idempotency key
#   speed-gate.sh follow RUN AFTER SECS  wait up to SECS for events after number AFTER
#   speed-gate.sh run RUN                GET the run
#   speed-gate.sh cancel RUN             cancel the run
#
# Prints `answered STATUS` or `unreachable WHY` on the first line, the body after it. Exit 0 for both:
# the step decides what they mean. Environment: SPEED_GATE_URL, SPEED_GATE_TOKEN, SPEED_GATE_TRIES (5).
set -eu

: "${SPEED_GATE_URL:?the address of the gate service}"
: "${SPEED_GATE_TOKEN:?a token with the right to run}"
tries=${SPEED_GATE_TRIES:-5}
case $SPEED_GATE_TOKEN in
  *[!A-Za-z0-9._~+/=-]*) echo "unreachable the token holds characters that no bearer token has"; exit 0 ;;
esac
command -v curl >/dev/null || { echo "unreachable curl is not installed on this agent"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT

# request METHOD PATH MAX_SECONDS [CURL OPTION ...]: status in $status, body in $work/body.
# Tries again on connection errors, 429 and 5xx only; every call here may be repeated safely.
request() {
  method=$1 path=$2 seconds=$3
  shift 3
  attempt=1
  while :; do
    : >"$work/body"
    failed=0
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$SPEED_GATE_TOKEN" |
      curl --config - --silent --show-error --connect-timeout 10 --max-time "$seconds" \
        --request "$method" --output "$work/body" --write-out '%{http_code}' "$@" \
        "${SPEED_GATE_URL%/}$path" 2>"$work/error") || failed=$?
    if [ "$failed" -eq 0 ]; then
      case $status in
        429 | 5??) ;;
        *) return 0 ;;
      esac
    fi
    if [ "$attempt" -ge "$tries" ]; then
      [ "$failed" -ne 0 ] || return 0
      printf 'unreachable %s: %s\n' "$SPEED_GATE_URL" "$(tr '\n' ' ' <"$work/error")"
      exit 0
    fi
    sleep "$((attempt < 4 ? attempt : 4))"
    attempt=$((attempt + 1))
  done
}

answer() {
  printf 'answered %s\n' "$status"
  cat "$work/body"
}

case ${1:?a command} in
  upload)
    file=${2:?a file}
    [ -f "$file" ] || { echo "unreachable there is no file $file on this agent"; exit 0; }
    digest=$(sha256sum "$file" | cut -d ' ' -f 1)
    request PUT "/v1/builds/$digest" 600 --header 'Content-Type: application/octet-stream' \
      --header 'Expect:' --upload-file "$file"
    case $status in
      2??) printf 'answered %s\n{"sha256":"%s"}\n' "$status" "$digest" ;;
      *) answer ;;
    esac
    ;;
  submit)
    request POST /v1/runs 60 --header 'Content-Type: application/json' \
      --header "Idempotency-Key: ${3:?an idempotency key}" --data-binary "@${2:?a file}"
    answer
    ;;
  follow)
    run=${2:?a run} after=${3:?a number} waited=0
    while :; do
      request GET "/v1/runs/$run/events?after=$after" 60 --header 'Accept: application/json'
      # An empty list of events is the only answer that is worth waiting on.
      if [ "$status" != 200 ] || grep -q '"sequence"' "$work/body" || [ "$waited" -ge "${4:-15}" ]; then
        break
      fi
      sleep 1
      waited=$((waited + 1))
    done
    answer
    ;;
  run)
    request GET "/v1/runs/${2:?a run}" 60
    answer
    ;;
  cancel)
    request POST "/v1/runs/${2:?a run}/cancel" 20
    answer
    ;;
  *)
    echo "speed-gate.sh: no command $1" >&2
    exit 2
    ;;
esac
