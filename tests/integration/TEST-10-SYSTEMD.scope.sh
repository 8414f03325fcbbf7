#!/bin/bash
# hosts: vm booted
# What a scope is closed to, what a burst of output meets, and what must not travel back to the host.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

scope() { printf 'berth-%s-%s.scope' "$ID" "$1"; }

test_devices_are_closed() {
    prepare
    start_in_background d
    assert_eq "$(systemctl show -P DevicePolicy "$(scope d)")" closed
    b exec "$ID-d" /bin/sh -c 'head -c 1 /dev/zero >/dev/null && echo x >/dev/null'
    b terminate "$ID-d"
}

test_burst_is_not_lost() {
    prepare
    # shellcheck disable=SC2016 # expands inside
    b run -d --name "$ID-b" -D "$ROOT" /bin/sh -c 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done' >/dev/null
    assert_eq "$(b wait "$ID-b")" 0
    assert_match "$(cat "/run/berth/exits/$ID-b")" '"lines_dropped":0'
    b rm "$ID-b"
}

# Nothing of a container's mounts travels back, although every mount of this host is shared.
test_R9_host_mounts_stay_as_they_are() {
    local before
    prepare
    before=$(cut -d' ' -f3- /proc/self/mountinfo | sort)
    start_in_background m --tmpfs=/t
    assert_eq "$(cut -d' ' -f3- /proc/self/mountinfo | sort)" "$before"
    b terminate "$ID-m"
    assert_eq "$(cut -d' ' -f3- /proc/self/mountinfo | sort)" "$before"
}

run_tests
