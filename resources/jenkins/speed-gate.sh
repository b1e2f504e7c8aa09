#!/bin/sh
# Talks to the gate service for the pipeline steps. The token comes by environment and reaches curl
# on standard input, so that neither the log nor the process list shows it.
#
#   speed-gate.sh request METHOD PATH [--body JSON] [--to FILE] [--header 'NAME: VALUE'] ...
#                                        one request; --body (more of it, joined) is sent, --to gets the answer's body
#   speed-gate.sh upload FILE            PUT the build under its SHA-256
#   speed-gate.sh follow RUN AFTER SECS  wait up to SECS for events after number AFTER
#
# Without arguments they are read from SPEED_GATE_ARG_1 to SPEED_GATE_ARG_n, n being SPEED_GATE_ARGS: so the
# pipeline hands them over, and no shell ever parses them.
#
# Prints `answered STATUS`, `unreachable WHY` or `unable WHY` (this agent cannot ask) on the first line, the body
# after it. Exit 0 for all of them: the step decides what they mean. Environment: SPEED_GATE_URL, SPEED_GATE_TOKEN, SPEED_GATE_TRIES (5).
set -eu

if [ $# -eq 0 ]; then
  i=1
  while [ "$i" -le "${SPEED_GATE_ARGS:-0}" ]; do
    eval "set -- \"\$@\" \"\$SPEED_GATE_ARG_$i\""
    i=$((i + 1))
  done
fi

: "${SPEED_GATE_URL:?the address of the gate service}"
: "${SPEED_GATE_TOKEN:?a token with the right to run}"
tries=${SPEED_GATE_TRIES:-5}
case $SPEED_GATE_TOKEN in
  *[!A-Za-z0-9._~+/=-]*) echo "unable the token holds characters that no bearer token has"; exit 0 ;;
esac
command -v curl >/dev/null || { echo "unable curl is not installed on this agent"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT

# Seconds until the next try: what the service asks for with Retry-After (at most a minute), or 1, 2, 3, 4, 4 …
pause() {
  asked=$(tr -d '\r' <"$work/headers" | sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,6\}\)$/\1/p' | tail -n 1)
  if [ -n "$asked" ]; then
    [ "$asked" -le 60 ] && echo "$asked" || echo 60
  else
    echo "$(($1 < 4 ? $1 : 4))"
  fi
}

# request METHOD PATH MAX_SECONDS [CURL OPTION ...]: status in $status, body in $work/body.
# Tries again on connection errors, 429 and 5xx only; every call here may be repeated safely.
request() {
  method=$1 path=$2 seconds=$3
  shift 3
  attempt=1
  while :; do
    : >"$work/body"
    : >"$work/headers"
    failed=0
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$SPEED_GATE_TOKEN" |
      curl --config - --silent --show-error --globoff --connect-timeout 10 --max-time "$seconds" \
        --request "$method" --output "$work/body" --dump-header "$work/headers" --write-out '%{http_code}' "$@" \
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
    sleep "$(pause "$attempt")"
    attempt=$((attempt + 1))
  done
}

answer() {
  printf 'answered %s\n' "$status"
  cat "$work/body"
}

case ${1:?a command} in
  request)
    method=${2:?a method} path=${3:?a path} to=''
    shift 3
    left=$#
    # The options become curl's: taken from the front, put at the end.
    while [ "$left" -gt 0 ]; do
      case $1 in
        --body)
          printf %s "$2" >>"$work/sent"
          shift 2
          ;;
        --to) to=$2; shift 2 ;;
        --header)
          header=$2
          shift 2
          set -- "$@" --header "$header"
          ;;
        *) echo "speed-gate.sh: no option $1" >&2; exit 2 ;;
      esac
      left=$((left - 2))
    done
    if [ -f "$work/sent" ]; then
      set -- "$@" --header 'Content-Type: application/json' --data-binary "@$work/sent"
    fi
    request "$method" "$path" 60 "$@"
    case $to:$status in
      :* | *:[!2]??) answer ;;
      *)
        case $to in */*) mkdir -p "${to%/*}" ;; esac
        mv "$work/body" "$to"
        printf 'answered %s\n' "$status"
        ;;
    esac
    ;;
  upload)
    file=${2:?a file}
    [ -f "$file" ] || { echo "unable there is no file $file in the workspace"; exit 0; }
    command -v sha256sum >/dev/null || { echo "unable sha256sum is not installed on this agent"; exit 0; }
    digest=$(sha256sum <"$file" | cut -d ' ' -f 1)
    request PUT "/v1/builds/$digest" 600 --header 'Content-Type: application/octet-stream' \
      --header 'Expect:' --upload-file "$file"
    case $status in
      2??) printf 'answered %s\n{"sha256":"%s"}\n' "$status" "$digest" ;;
      *) answer ;;
    esac
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
  *)
    echo "speed-gate.sh: no command $1" >&2
    exit 2
    ;;
esac
