#!/usr/bin/env bash
# A standalone agent on another host (a network namespace with its own address): joins with a code, reports real
# metrics, survives its link going down, is updated, is revoked. Needs root and iproute2; all traffic stays on this
# machine. $1: folder of the programs (default build/bin); $2: seconds of link down (default 60).
set -euo pipefail
bin=$(realpath "${1:-build/bin}")
outage=${2:-60}
name=ota-$$
console_address=10.231.7.1
device_address=10.231.7.2
work=$(mktemp -d)
console=
agent=

# shellcheck disable=SC2317 # called by the trap
cleanup() {
  [ -z "$agent" ] || kill "$agent" 2>/dev/null || true
  [ -z "$console" ] || kill "$console" 2>/dev/null || true
  wait 2>/dev/null || true
  ip netns del "$name" 2>/dev/null || true
  ip link del "$name-h" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
say() { printf '%s  %s\n' "$(date -u +%H:%M:%SZ)" "$*"; }
die() {
  say "FAILED: $*"
  for log in "$work"/*.log; do tail -n 20 "$log"; done >&2
  ctl device press-07 >&2 || true
  exit 1
}
await() { # SECONDS WHAT COMMAND...: until the command succeeds
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || die "$what"
    read -rt 0.2 <> <(:) || true
  done
  say "$what"
}
ctl() { "$bin/otactl" --root "$work/root" --server "$url" "$@"; }
shows() { ctl device press-07 | grep -q "$1"; }
in_device() { ip netns exec "$name" "$@"; }
# This host's load is the device's, and may be over a limit when it is asked or when it would start: then it is asked
# again, as an operator would.
push_when_allowed() {
  local deadline=$((SECONDS + 180))
  until ctl push press-07 --version 2.1.5 --wait | tee "$work/push.log"; do
    grep -q "BLOCKED: Anomaly Detected" "$work/push.log" && [ $SECONDS -lt $deadline ] || return 1
    read -rt 1 <> <(:) || true
  done
}
refused() { ctl device press-07 --json | grep -q '"online": *false'; }

ip netns add "$name"
ip link add "$name-h" type veth peer name "$name-d"
ip link set "$name-d" netns "$name"
ip addr add $console_address/30 dev "$name-h"
ip link set "$name-h" up
ip -n "$name" addr add $device_address/30 dev "$name-d"
ip -n "$name" link set "$name-d" up
ip -n "$name" link set lo up
say "namespace $name is a host of its own at $device_address"

mkdir -p "$work/root/config" "$work/device"
cat >"$work/root/config/console.json" <<JSON
{"listen": {"address": "$console_address", "port": 0}, "server": {"names": ["$console_address"]}, "agents": []}
JSON
cat >"$work/root/config/devices.json" <<'JSON'
{"devices": [{"id": "press-07", "hardware": "sim-a", "group": "floor"}]}
JSON
# The host may be busy, and its load is the device's: only a CPU without any rest counts against it.
cat >"$work/root/config/thresholds.json" <<'JSON'
{"cpu_threshold": 100, "mem_threshold": 100, "watch_margin": 0, "hysteresis": 0}
JSON
"$bin/ota-console" --headless --root "$work/root" >"$work/ready" 2>"$work/console.log" &
console=$!
await 15 "the console serves" grep -q ready "$work/ready"
url=$(sed -n 's/^ready //p' "$work/ready")

code=$(ctl enroll press-07 --ttl 10m --json | sed -nE 's/.*"code": ?"([^"]+)".*/\1/p')
[ -n "$code" ] || die "no join code"
if in_device "$bin/ota-agent" join --server "$url" --code "${code%?????}" --dir "$work/wrong" >>"$work/agent.log" 2>&1; then
  die "a wrong code was taken"
fi
in_device "$bin/ota-agent" join --server "$url" --code "$code" --dir "$work/device" --hardware sim-a --profile host \
  >>"$work/agent.log" 2>&1 || die "join"
say "press-07 joined with its code"
if in_device "$bin/ota-agent" join --server "$url" --code "$code" --dir "$work/second" >>"$work/agent.log" 2>&1; then
  die "the code worked twice"
fi
say "the code does not work twice"
in_device "$bin/ota-agent" run --dir "$work/device" >>"$work/agent.log" 2>&1 &
agent=$!
await 180 "press-07 reports this host's metrics and is stable" shows 'Verdict: stable'
ctl device press-07 | grep -E '^CPU'

ip link set "$name-h" down
await 60 "its link is down: the console says offline" shows OFFLINE
say "waiting out an outage of $outage s"
end=$((SECONDS + outage))
while [ $SECONDS -lt $end ]; do read -rt 1 <> <(:) || true; done
kill -0 "$agent" || die "the agent died of the outage"
ip link set "$name-h" up
await 180 "its link is up again: back and stable" shows 'Verdict: stable'

push_when_allowed || die "update"
shows 'confirmed .*v2.1.5' || die "the update is not confirmed"
say "updated to v2.1.5 and confirmed"

ctl revoke press-07 --yes || die "revoke"
await 30 "revoked: no longer online" refused
ctl logs | tail -4
ctl audit verify
say "PASS remote host"
