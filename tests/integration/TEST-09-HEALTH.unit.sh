#!/bin/bash
# hosts: vm booted
# Health checks of a container that is a service: readiness, status, restart.
. "$(dirname "$0")/containers.sh"

define() { # LINES of [Container]
    on_exit remove_definition
    mkdir -p /etc/berth
    cat >"/etc/berth/$ID.container" <<EOF
[Container]
Directory=$ROOT
HealthCmd=test -e /well
HealthInterval=200ms
HealthRetries=2
$1
[Process]
Exec=/bin/sh -c 'echo started >>/starts; trap "exit 0" TERM; while :; do sleep 1000 & wait; done'
EOF
    systemctl daemon-reload
}

# shellcheck disable=SC2317 # called by on_exit
remove_definition() {
    systemctl stop "$ID.service" || true
    rm -f "/etc/berth/$ID.container"
    systemctl daemon-reload
}

state_is() { [[ $(systemctl show --property=ActiveState --value "$ID.service") == "$1" ]]; }
started_times() { [[ $(wc -l <"$ROOT/starts") -ge $1 ]]; }
is_healthy() { [[ $(b show --value -p health_status "$ID") == healthy ]]; }

test_ready_when_healthy() {
    prepare
    define Notify=healthy
    systemctl start --no-block "$ID.service"
    retry_until "$SETTLE_TIMEOUT" started_times 1
    sleep 1
    state_is activating || fail "it is $(systemctl is-active "$ID.service")"
    touch "$ROOT/well"
    retry_until "$SETTLE_TIMEOUT" state_is active
    assert_eq "$(systemctl show --property=StatusText --value "$ID.service")" 'Health check: healthy'
    journalctl --sync
    assert_eq "$(b events --no-follow --filter container="$ID" --filter event=ready | wc -l)" 1
    # The unit's log has the event, whose unit this is.
    journalctl --no-pager -o cat -u "$ID.service" | grep -qx "Container $ID is healthy"
}

test_restart_when_unhealthy() {
    prepare
    touch "$ROOT/well"
    define HealthOnFailure=restart
    systemctl start "$ID.service"
    retry_until "$SETTLE_TIMEOUT" is_healthy
    rm "$ROOT/well"
    retry_until "$SETTLE_TIMEOUT" started_times 2
    touch "$ROOT/well"
    retry_until "$SETTLE_TIMEOUT" is_healthy
    state_is active
    [[ $(systemctl show --property=NRestarts --value "$ID.service") -ge 1 ]] || fail 'systemd did not restart it'
}

run_tests
