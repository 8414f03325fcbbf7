#!/bin/bash
# hosts: vm booted
# A whole Debian boots in a container, is entered, and is shut down in order.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree
PATIENCE=240

prepare_tree() {
    prepare
    [[ -x $TREE/usr/lib/systemd/systemd || -x $TREE/lib/systemd/systemd ]] || skip "there is no system in $TREE"
}

has_booted() { # NAME
    b exec "$1" systemctl is-active --quiet multi-user.target
}

test_boots_to_multi_user() {
    prepare_tree
    find "$TREE/etc" -printf '%p %s %T@\n' | sort >before
    expect_rc 0 b run -d --boot --ephemeral --name="$ID-os" -D "$TREE"
    assert_eq "$OUT" "$ID-os"
    retry_until "$PATIENCE" has_booted "$ID-os"
    expect_rc 0 b exec "$ID-os" cat /proc/1/comm /run/host/container-manager
    assert_eq "$OUT" $'systemd\nberth'
    b exec "$ID-os" systemctl is-system-running --wait >state || true
    b exec "$ID-os" systemctl --failed --no-legend --plain >failed || true
    assert_match "$(cat state) $(cat failed)" '^(running|degraded)'
    assert_eq "$(cat failed)" ''
    expect_rc 0 b exec "$ID-os" systemd-detect-virt --container
    assert_match "$OUT" 'berth|container-other'
    # The tree's own /etc/hostname wins, as with any system that boots.
    expect_rc 0 b exec "$ID-os" hostname
    assert_eq "$OUT" "$(cat "$TREE/etc/hostname")"
    # Its own units are below ours, in a delegated group.
    expect_rc 0 b exec "$ID-os" systemctl show -p ControlGroup --value systemd-journald
    assert_match "$OUT" '^/system.slice/systemd-journald.service$'
    assert_match "$(systemd-cgls --no-pager -u "berth-$ID-os.scope")" 'systemd-journald'
    # SIGRTMIN+3 is a shutdown.
    expect_rc 0 b stop "$ID-os"
    expect_rc 0 b wait "$ID-os"
    assert_match "$OUT" '^(0|130)$'
    assert_no_trace "$ID-os"
    find "$TREE/etc" -printf '%p %s %T@\n' | sort | diff before -
}

test_shuts_down_by_itself() {
    prepare_tree
    b run -d --boot --ephemeral --name="$ID-os" -D "$TREE" >/dev/null
    retry_until "$PATIENCE" has_booted "$ID-os"
    b exec "$ID-os" systemctl poweroff || true
    expect_rc 0 b wait "$ID-os"
    assert_match "$OUT" '^(0|130)$'
    assert_no_trace "$ID-os"
}

test_tree_without_an_init() {
    prepare
    rm -f "$ROOT/sbin/init" "$ROOT/usr/sbin/init"
    expect_rc 127 b run --boot --name="$ID" -D "$ROOT"
    assert_match "$ERR" 'no init'
    assert_no_trace "$ID"
}

run_tests
