#!/bin/bash
# hosts: host
# Rows of tests/security/rows that no other script looks at: what a root, or a mount into it, does to the kernel's own files,
# to secrets and to what is removed afterwards.
# shellcheck source-path=SCRIPTDIR source=../integration/containers.sh disable=SC2016
. "$(dirname "$0")/../integration/containers.sh"

# A tree outside of the root, which nothing here may change.
prepare_canary() {
    prepare
    CANARY=$TEST_TMP/canary
    mkdir -p "$CANARY/dir"
    echo canary >"$CANARY/file"
    echo canary >"$CANARY/dir/file"
    canary_state >canary.before
}

canary_state() {
    find "$CANARY" -printf '%p %y %s %m %U:%G %n %T@ %C@\n' | sort
    cat "$CANARY/file" "$CANARY/dir/file"
}

assert_canary_unchanged() {
    canary_state >canary.after
    diff canary.before canary.after || fail 'what is outside was changed'
}

# B8: a parameter is written to procfs or not at all. What covers the file may be an ordinary one, or procfs itself: a harmless
# file, or one of the host that must not be written.
test_B8_sysctls_behind_mounts() {
    prepare_canary
    local cover domain
    domain=$(</proc/sys/kernel/domainname)
    for cover in "$CANARY/file" /proc/sys/kernel/domainname /proc/version /dev/null; do
        expect_rc 125 run_in --bind="$cover:/proc/sys/net/core/somaxconn" --sysctl=net.core.somaxconn=77 /bin/true
        assert_match "$ERR" 'cannot set the sysctl net.core.somaxconn=77'
    done
    for cover in "--bind=$CANARY:/proc/sys/net" --tmpfs=/proc/sys/net "--bind=/proc/sys:/proc/sys"; do
        expect_rc 125 run_in "$cover" --sysctl=net.core.somaxconn=77 /bin/true
    done
    assert_eq "$(</proc/sys/kernel/domainname)" "$domain"
    # Beside what is covered it works.
    expect_rc 0 run_in --bind="$CANARY/file:/proc/sys/net/core/optmem_max" --sysctl=net.core.somaxconn=77 /bin/cat /proc/sys/net/core/somaxconn
    assert_eq "$OUT" 77
    assert_canary_unchanged
}

# B2: so is what is written for a process, when it enters a container whose /proc is not its own any more.
test_B2_proc_of_a_container_is_not_used() {
    prepare_canary
    mkdir -p fake/self/attr fake/thread-self/attr fake/sys
    echo fake | tee fake/self/attr/exec fake/thread-self/attr/exec fake/self/oom_score_adj >/dev/null
    start_in_background web --privileged
    b exec "$ID-web" /bin/mount -t tmpfs none /proc
    b exec "$ID-web" /bin/mkdir -p /proc/self/attr /proc/self/fd
    b exec "$ID-web" /bin/sh -c 'echo fake >/proc/self/attr/exec; ln -s / /proc/self/fd/0'
    expect_rc 0 b exec "$ID-web" /bin/echo entered
    assert_eq "$OUT" entered
    expect_rc 0 b exec "$ID-web" /bin/cat /proc/self/attr/exec
    assert_eq "$OUT" fake
    b bind "$ID-web" "$CANARY" /mnt
    expect_rc 0 b exec "$ID-web" /bin/cat /mnt/file
    b terminate "$ID-web"
    assert_canary_unchanged
}

# C7: secrets are made anew in a file system of their own, whatever an earlier run left in their place.
test_C7_secrets_are_not_written_through_links() {
    prepare_canary
    local place
    for place in /run/host/credentials/key /run/host/credentials /run/host /run; do
        rm -rf "${ROOT:?}/run"
        mkdir -p "$ROOT$(dirname "$place")"
        ln -s "$CANARY" "$ROOT$place"
        if run_in --set-credential=key:secret-value /bin/sh -c 'cat "$CREDENTIALS_DIRECTORY/key"' >out 2>err; then
            assert_eq "$(cat out)" secret-value
        else
            assert_match "$(cat err)" "cannot prepare '/run/host'|must be mounted on ordinary directory"
        fi
        assert_canary_unchanged
        ! grep -rq secret-value "$CANARY" "$ROOT" || fail 'the secret is in a tree'
    done
}

# C10: what is removed after a run is the container's, never what its links or mounts lead to.
test_C10_removal_stays_in_its_tree() {
    prepare_canary
    expect_rc 0 run_in --ephemeral --bind="$CANARY:/mnt" /bin/sh -c 'ln -s "$1" /a; ln -s /mnt /b; mkdir -p /c/d; ln -s ../../../../../../../.."$1" /c/d/e; mkdir /c/d/..x' - "$CANARY"
    assert_canary_unchanged
    assert_no_trace "$ID"
}

# B12 and B13 of a volume that the payload has exchanged between two runs: the target is looked at again.
test_B13_second_start_of_a_root_that_was_changed() {
    prepare_canary
    expect_rc 0 run_in --bind="$CANARY/dir:/v/data" /bin/true
    expect_rc 0 run_in /bin/sh -c 'rm -rf /v; ln -s "$1" /v; rm -rf /etc; ln -s "$1" /etc' - "$CANARY"
    run_in --bind="$CANARY/dir:/v/new" -w /v /bin/true >out 2>err || assert_eq "$?" 125
    expect_rc 0 run_in /bin/true
    assert_canary_unchanged
    [[ ! -e $CANARY/new ]]
}

# A12: no variable that the image or the caller sets is one of the executor's, of what helps it, or of the supervisor.
test_A12_variables_of_the_payload_are_not_ours() {
    prepare
    start_in_background web --env=LD_PRELOAD=/evil.so --env=LD_LIBRARY_PATH=/evil
    local supervisor
    supervisor=$(state_field "$ID-web" supervisor)
    ! grep -Eaq 'LD_|PATH' "/proc/$supervisor/environ" || fail 'variables in the supervisor'
    expect_rc 0 b exec "$ID-web" /bin/sh -c 'echo "$LD_PRELOAD"'
    assert_eq "$OUT" /evil.so
    b terminate "$ID-web"
}

# E8: the kernel's file systems are mounted as planned, however they came about.
test_E8_flags_of_every_mount() {
    prepare
    local options
    for options in '' --userns=auto --read-only; do
        # shellcheck disable=SC2086 # a word or none
        expect_rc 0 run_in $options /bin/cat /proc/self/mountinfo
        awk '{ print $5, $6 }' <<<"$OUT" | while read -r place flags; do
            case $place in
                /proc | /proc/* | /sys | /sys/* | /dev/mqueue | /dev/shm)
                    [[ $place == /proc/* && $flags == *ro* || $flags == *nosuid* ]] || fail "$place has $flags with '$options'" ;;
            esac
            case $place in
                /sys | /sys/fs/cgroup | /proc/sys | /proc/sysrq-trigger) [[ ,$flags, == *,ro,* ]] || fail "$place has $flags with '$options'" ;;
            esac
        done
    done
}

run_tests
