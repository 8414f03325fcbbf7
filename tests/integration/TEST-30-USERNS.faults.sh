#!/bin/bash
# hosts: host
# No range of ids is lost or given twice, whoever dies when.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
: "${TEST_TIMEOUT:=240}" # two hundred starts on a busy machine
. "$(dirname "$0")/containers.sh"

leases() { find "$BERTH_RUN/ranges" -type l | wc -l; }

# R11, R14: launcher or executor killed at some moment, 200 times.
test_killed_while_starting() {
    prepare
    run_in --userns=auto /bin/true
    local round i pids children
    # The leak check at a program's end forks a tracer and waits for it with a loop that its death does not end: a kill of
    # children that hits the tracer would hang the program for a reason that is not its own.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
    for round in {1..50}; do
        pids=()
        for i in 1 2 3 4; do
            "$BERTHCTL" run --rm --name="$ID-$i" --userns=auto --ephemeral -D "$ROOT" /bin/sleep 0.01 >/dev/null 2>&1 &
            pids+=($!)
        done
        sleep "0.0$((round % 5))$((round % 7))"
        kill -KILL "${pids[0]}" "${pids[1]}" 2>/dev/null || true
        children=$(cat "/proc/${pids[2]}/task/${pids[2]}/children" "/proc/${pids[3]}/task/${pids[3]}/children" 2>/dev/null) || true
        # shellcheck disable=SC2086 # a list of numbers
        [[ -z $children ]] || kill -KILL $children 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    done
    # A supervisor whose launcher died ends its container by itself; of the others the next command takes back the rest.
    retry_until "$SETTLE_TIMEOUT" gives '' processes_of_root
    for i in 1 2 3 4; do
        retry_until "$SETTLE_TIMEOUT" b list
        retry_until "$SETTLE_TIMEOUT" test ! -e "$BERTH_RUN/machines/$ID-$i"
        # The name that a launcher had taken when it was killed goes, too, once it is old enough to be nobody's.
        touch -c -d '2 minutes ago' "$BERTH_RUN/locks/$ID-$i"
        b list >/dev/null
        [[ ! -e $BERTH_RUN/locks/$ID-$i ]] || fail "the name of a killed launcher has stayed: $ID-$i"
    done
    assert_eq "$(leases)" 0
    expect_rc 0 run_in --userns=auto /bin/true
    assert_eq "$(leases)" 0
}

# A payload that outlives its supervisor keeps its range until it is ended.
test_range_of_an_unsupervised_container() {
    prepare
    start_in_background web --userns=auto
    local base
    base=$(basename "$(find "$BERTH_RUN/ranges" -lname "$ID-web")")
    kill -KILL "$(state_field "$ID-web" supervisor)"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$(state_field "$ID-web" supervisor)"
    b list >/dev/null 2>&1
    assert_eq "$(leases)" 1
    # Another container that would get it by its name: none is called so, but who asks for it by number is told.
    assert_eq "$(cat "/proc/$(state_field "$ID-web" leader)/uid_map" | tr -s ' ')" " 0 $base 65536"
    expect_rc 0 b terminate "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    assert_eq "$(leases)" 0
}

test_many_at_once() {
    prepare
    run_in --userns=auto /bin/true
    local i bases
    for i in {1..24}; do
        start_in_background "$i" --userns=auto &
    done
    wait
    bases=$(for i in {1..24}; do cat "/proc/$(state_field "$ID-$i" leader)/uid_map"; done | tr -s ' ' | cut -d' ' -f3 | sort -u | wc -l)
    assert_eq "$bases" 24
    assert_eq "$(leases)" 24
    for i in {1..24}; do b terminate "$ID-$i" >/dev/null & done
    wait
    b list >/dev/null
    retry_until "$SETTLE_TIMEOUT" gives 0 leases
}

# Every step of plans with a user namespace, failed in turn.
check_step() { # NUMBER KIND COMMAND...
    local number=$1 kind=$2
    shift 2
    BERTH_FAIL_STEP=$number expect_rc 125 "$@"
    assert_match "$ERR" "\[step $number, $kind, from "
    assert_eq "$(leases)" 0
    assert_eq "$(processes_of_root)" ''
    retry_until "$SETTLE_TIMEOUT" _no_cgroup_named "$ID"
}

sweep() { # OPTION... COMMAND...
    local number kind count=0 outer=0 where base
    host_snapshot
    b run --name="$ID" -D "$ROOT" --print-plan "$@" >plan
    while read -r number where kind _; do
        check_step "$number" "$kind" "$BERTHCTL" run --name="$ID" -D "$ROOT" "$@"
        count=$((count + 1))
        [[ $where != outer ]] || outer=$((outer + 1))
    done <plan
    base=$(sed -n 's/.* id-range .*base=\([0-9]*\).*/\1/p' plan)
    ((count > 30 && outer >= 2)) || fail "only $count steps, $outer of them outer"
    expect_rc 0 b run --rm --name="$ID" -D "$ROOT" "$@"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID"
    [[ -n $base && ! -e /run/systemd/nspawn-uid/$base ]] || fail "the lock of $base is left"
    assert_host_unchanged
}

test_every_step_of_a_directory() {
    prepare
    has_test_hooks || skip 'the executor was built without test hooks'
    run_in --userns=auto /bin/true
    sweep --userns=auto --network=host /bin/true
}

test_every_step_of_an_overlay_with_all() {
    prepare
    has_test_hooks || skip 'the executor was built without test hooks'
    run_in --userns=auto /bin/true
    mkdir outside upper
    sweep --userns=auto --ephemeral --ulimit nofile=100 --oom-score-adjust=100 --sysctl kernel.shmmax=100 \
        --bind="$TEST_TMP/outside:/a:U" --tmpfs=/c --overlay="$TEST_TMP/outside:$TEST_TMP/upper:/d" -v /e -u user /bin/true
}

run_tests
