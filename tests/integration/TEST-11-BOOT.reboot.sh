#!/bin/bash
# hosts: vm
# A reboot inside ends the container with the exit code that service units restart on.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree

is_up() { [[ $(b exec "$1" systemctl is-system-running 2>/dev/null) == running ]]; }

test_reboot_inside_ends_with_133() {
    prepare
    [[ -d $TREE ]] || skip 'no tree to boot'
    b run -d --boot --ephemeral --name "$ID-again" -D "$TREE" >/dev/null
    retry_until 120 is_up "$ID-again"
    b exec "$ID-again" systemctl reboot || true
    assert_eq "$(b wait "$ID-again")" 133
    b rm "$ID-again"
}

run_tests
