#!/bin/bash
# hosts: host vm
# Every step of a start is made to fail in turn: the failure is told, and nothing is left of what came before it.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_faults() {
    prepare
    has_test_hooks || skip 'the executor was built without test hooks'
    # The roster's directories, and systemd's slice, are there before the first look.
    run_in /bin/true
    retry_until "$SETTLE_TIMEOUT" _no_cgroup_named "$ID"
}

# Files and directories of the state, without the cache of filters.
state_now() {
    find "$BERTH_RUN" "${BERTH_DATA_DIR:-/var/lib/berth}/containers" "${BERTH_CONFIG_DIR:-/etc/berth}" -path '*/seccomp/*' -prune -o -print 2>/dev/null | sort || true
}

# What the failure of one step should leave: nothing, and a message that names the step.
check_step() { # NUMBER KIND COMMAND...
    local number=$1 kind=$2
    shift 2
    BERTH_FAIL_STEP=$number expect_rc 125 "$@"
    assert_match "$ERR" "made to fail by the test"
    assert_match "$ERR" "\[step $number, $kind, from "
    assert_eq "$(state_now)" "$STATE_BEFORE"
    assert_eq "$(processes_of_root)" ''
    retry_until "$SETTLE_TIMEOUT" _no_cgroup_named "$ID"
}

# Fails every step of the plan that `berthctl run` makes of the options, then shows that it works without.
sweep() { # OPTION... COMMAND...
    local number kind count=0
    host_snapshot
    STATE_BEFORE=$(state_now)
    find "$ROOT" -printf '%p %y %m\n' | sort >tree-before
    b run --name="$ID" -D "$ROOT" --print-plan "$@" >plan
    while read -r number _ kind _; do
        check_step "$number" "$kind" "${RUN_UNDER[@]}" "$BERTHCTL" run --name="$ID" -D "$ROOT" "$@"
        count=$((count + 1))
    done <plan
    ((count > 30)) || fail "only $count steps"
    BERTH_FAIL_STEP=$count "${RUN_UNDER[@]}" "$BERTHCTL" run --rm --name="$ID" -D "$ROOT" "$@" >/dev/null
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID"
    assert_host_unchanged
}

RUN_UNDER=(env)

test_directory() {
    prepare_faults
    sweep /bin/true
}

test_detached_with_a_log() {
    prepare_faults
    sweep -d --log-driver=file /bin/true
}

test_ephemeral_with_all_kinds_of_mounts() {
    prepare_faults
    mkdir outside upper
    touch file
    sweep --ephemeral --init --hostname=other --ulimit nofile=100 --oom-score-adjust=100 --sysctl net.ipv4.ip_forward=0 \
        --bind="$TEST_TMP/outside:/a" --bind-ro="$TEST_TMP/file:/etc/b" --tmpfs=/c --overlay="$TEST_TMP/outside:$TEST_TMP/upper:/d" \
        --mask=/etc/group -v /e -u user /bin/true
    assert_eq "$(find "$TEST_TMP" -maxdepth 1 -name '*work*')" ''
    # Mount points were made in the container's layer only.
    find "$ROOT" -printf '%p %y %m\n' | sort | diff tree-before -
}

test_terminal() {
    prepare_faults
    RUN_UNDER=("$HELPERS/on-tty" --)
    check_step() {
        local number=$1 kind=$2
        shift 2
        BERTH_FAIL_STEP=$number expect_rc 125 "$@"
        assert_match "$OUT" "\[step $number, $kind, from "
        assert_eq "$(state_now)" "$STATE_BEFORE"
        assert_eq "$(processes_of_root)" ''
    }
    sweep -it /bin/true
}

test_read_only_volatile() {
    prepare_faults
    sweep --read-only --network=host --cap-drop=ALL --no-new-privileges=no /bin/true
}

# An init system and what it is given.
test_boot() {
    prepare_faults
    rm -f "$ROOT/sbin/init"
    printf '#!/bin/sh\nexit 0\n' >"$ROOT/sbin/init"
    chmod 755 "$ROOT/sbin/init"
    sweep --boot --notify=container
}

# The same for what enters a container: it is not to suffer from it.
test_exec() {
    prepare_faults
    start_in_background web
    host_snapshot
    local number running
    running=$(processes_of_root)
    for number in {0..12}; do
        BERTH_FAIL_STEP=$number b exec "$ID-web" /bin/true >out 2>err && break
        assert_match "$(cat err)" "made to fail by the test.*\[step $number, "
        assert_eq "$(processes_of_root)" "$running"
    done
    ((number > 5)) || fail "only $number steps"
    is_running "$ID-web" || fail 'the container suffered'
    expect_rc 0 b exec "$ID-web" /bin/true
    assert_host_unchanged
}

# R7: a name is free again at once, whatever the step.
test_name_after_a_failure() {
    prepare_faults
    local number
    for number in 0 1 2 3 5 20 30; do
        BERTH_FAIL_STEP=$number expect_rc 125 b run -d --name="$ID-web" -D "$ROOT" /bin/true
        expect_rc 0 b run -d --rm --name="$ID-web" -D "$ROOT" /bin/true
        retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    done
    assert_no_trace "$ID-web"
}

# The executor killed at some moment of its work: the launcher says so and takes back.
test_executor_killed_while_it_starts() {
    prepare_faults
    host_snapshot
    local delay
    for delay in 0 0.001 0.002 0.004 0.006 0.008 0.010 0.015; do
        "$BERTHCTL" run --rm --name="$ID" -D "$ROOT" --ephemeral /bin/sleep 0.2 >out 2>err &
        local pid=$! children=()
        sleep "$delay"
        read -ra children <"/proc/$pid/task/$pid/children" || true
        ((${#children[@]} == 0)) || kill -KILL "${children[@]}" 2>/dev/null || true
        wait "$pid" || true
        b list >/dev/null 2>&1
        b rm --force "$ID" >/dev/null 2>&1 || true
        assert_removed "$ID"
        retry_until "$SETTLE_TIMEOUT" gives '' processes_of_root
    done
    assert_host_unchanged
}

run_tests
