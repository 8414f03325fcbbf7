#!/bin/bash
# hosts: vm booted
# A system that reboots goes on in its container, under the supervisor and on the files that it has; a request to shut down
# is heard however early it comes.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree

is_up() { [[ $(b exec "$1" systemctl is-system-running 2>/dev/null) == running ]]; }

prepare_tree() {
    prepare
    ID=${ID//[^a-zA-Z0-9]/-}
    [[ -d $TREE ]] || skip 'no tree to boot'
}

has_another_leader() { # NAME OLD
    local now
    now=$(b show "$1" -p Leader --value) && [[ $now != "$2" ]]
}

test_reboot_in_place() {
    local leader supervisor
    prepare_tree
    b run -d --rm --boot --ephemeral --name "$ID-again" -D "$TREE" >/dev/null
    retry_until 120 is_up "$ID-again"
    leader=$(b show "$ID-again" -p Leader --value) supervisor=$(b show "$ID-again" -p Supervisor --value)
    b exec "$ID-again" touch /var/mark
    b exec "$ID-again" systemctl reboot || true
    retry_until 120 has_another_leader "$ID-again" "$leader"
    retry_until 120 is_up "$ID-again"
    b exec "$ID-again" test -e /var/mark
    assert_eq "$(b show "$ID-again" -p Supervisor --value)" "$supervisor"
    [[ $(b show "$ID-again" -p Registered --value) != yes ]] ||
        assert_eq "$(machinectl show "$ID-again" -P Leader)" "$(b show "$ID-again" -p Leader --value)"
    # Nothing of the last system's groups is left, and this one is in its scope.
    assert_match "$(cat "/proc/$(b show "$ID-again" -p Leader --value)/cgroup")" "berth-$ID-again.scope/payload/init.scope"
    # And from outside, by the end of it.
    leader=$(b show "$ID-again" -p Leader --value)
    b reboot "$ID-again"
    retry_until 120 has_another_leader "$ID-again" "$leader"
    # Right away: it is passed on when the system can hear it.
    b poweroff "$ID-again"
    assert_eq "$(b wait "$ID-again")" 0
    assert_no_trace "$ID-again"
    ! machinectl show "$ID-again" >/dev/null 2>&1
}

test_stop_right_after_the_start() {
    prepare_tree
    b run -d --boot --ephemeral --name "$ID-early" -D "$TREE" >/dev/null
    b stop "$ID-early"
    # In order, not by SIGKILL after the time for that.
    assert_eq "$(b wait "$ID-early")" 0
    b rm "$ID-early"
}

test_programs_are_no_systems() {
    prepare
    start_in_background p --rm
    expect_rc 1 b reboot "$ID-p"
    assert_match "$ERR" "'$ID-p' runs a program, not a system"
    expect_rc 1 b poweroff "$ID-p" "$ID-none"
    assert_match "$ERR" "no container named '$ID-none'"
    expect_rc 1 b login "$ID-p"
    assert_match "$ERR" 'needs a terminal'
    b terminate "$ID-p"
}

run_tests
