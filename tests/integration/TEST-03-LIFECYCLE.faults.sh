#!/bin/bash
# hosts: host vm
# What becomes of containers when berthctl, the supervisor or the state is lost, and when many act at once.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

leader_and_children() { # NAME: the pids of its pid namespace
    local namespace pid
    namespace=$(readlink "/proc/$(state_field "$1" leader)/ns/pid")
    for pid in /proc/[0-9]*; do
        [[ $(readlink "$pid/ns/pid" 2>/dev/null) != "$namespace" ]] || echo "${pid#/proc/}"
    done
}

all_gone() { # PID...
    local pid
    for pid; do [[ ! -e /proc/$pid ]] || grep -q '^State:.*[ZX]' "/proc/$pid/status" 2>/dev/null || return 1; done
}

# --- berthctl killed --------------------------------------------------------------------------------------------------

# The container goes on as if it had been detached, and can be stopped.
test_killed_berthctl() {
    prepare
    "$BERTHCTL" run --name="$ID-web" -D "$ROOT" /bin/sh -c 'touch /ready; trap "exit 4" TERM; while :; do sleep 0.1; done' &
    local pid=$!
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    kill -KILL "$pid"
    wait "$pid" || true
    is_running "$ID-web" || fail 'the container ended with it'
    expect_rc 0 b exec "$ID-web" /bin/true
    expect_rc 0 b stop "$ID-web"
    assert_no_trace "$ID-web"
}

# At whatever point of the start: afterwards there is either a whole container or none, and the name can be used.
test_berthctl_killed_while_it_starts() {
    prepare
    local delay pid
    for delay in 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.010 0.015 0.020 0.030 0.040; do
        "$BERTHCTL" run -d --name="$ID-web" --stop-timeout=0.1 -D "$ROOT" /bin/sleep 1000 >/dev/null 2>&1 &
        pid=$!
        sleep "$delay"
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        retry_until "$SETTLE_TIMEOUT" settled "$ID-web"
        expect_rc 0 b run -d --replace --name="$ID-web" --stop-timeout=0.1 -D "$ROOT" /bin/sleep 1000
        assert_eq "$(processes_of_root | wc -l)" 1
        expect_rc 0 b rm --force "$ID-web"
        # A file that it was about to write may be left under a name that nobody reads.
        find "$BERTH_RUN" -name ".#$ID-web*" -delete
        assert_removed "$ID-web"
        assert_eq "$(processes_of_root)" ''
    done
}

# Either running with a leader, or its lock is free.
settled() { # NAME
    b list >/dev/null 2>&1
    if [[ -e $BERTH_RUN/machines/$1 ]]; then
        local leader
        leader=$(state_field "$1" leader)
        [[ ${leader:-0} != 0 ]] || ! flock -n "$BERTH_RUN/locks/$1" true
    fi
}

# --- Supervisor killed ------------------------------------------------------------------------------------------------

# R6: the payload goes on, and everybody is told that nobody watches it.
test_killed_supervisor() {
    prepare
    start_in_background web
    b exec -d "$ID-web" /bin/sleep 1000
    local pids cgroup
    mapfile -t pids < <(leader_and_children "$ID-web")
    ((${#pids[@]} >= 3)) || fail "only these run: ${pids[*]}"
    cgroup=$(state_field "$ID-web" cgroup)
    kill -KILL "$(state_field "$ID-web" supervisor)"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$(state_field "$ID-web" supervisor)"
    expect_rc 0 b list
    assert_match "$OUT" "$ID-web .*unsupervised"
    ! all_gone "${pids[@]}" || fail 'the payload ended with its supervisor'
    expect_rc 125 b run --name="$ID-web" -D "$ROOT" /bin/true
    expect_rc 0 b exec "$ID-web" /bin/true
    # It is ended as a whole, and nothing stays.
    expect_rc 0 b stop "$ID-web"
    retry_until "$SETTLE_TIMEOUT" all_gone "${pids[@]}"
    assert_no_trace "$ID-web"
    if has_own_cgroups; then
        [[ ! -e /sys/fs/cgroup/unified/$cgroup && ! -e /sys/fs/cgroup/$cgroup ]] || fail "the cgroup $cgroup is left"
    fi
    expect_rc 0 b run -d --replace --name="$ID-web" -D "$ROOT" /bin/sleep 1000
    b terminate "$ID-web"
}

# The payload too: the next command takes back what was left, and the name is free.
test_everything_killed() {
    prepare
    start_in_background web
    kill -KILL "$(state_field "$ID-web" supervisor)" "$(state_field "$ID-web" leader)"
    expect_rc 0 b list
    assert_no_match "$OUT" "$ID-web .*running"
    retry_until "$SETTLE_TIMEOUT" reconciled
    assert_no_trace "$ID-web"
    expect_rc 0 b start "$ID-web"
    b terminate "$ID-web"
}

reconciled() {
    b list >/dev/null 2>&1
    is_gone "$ID-web"
}

# R6: stop and rm work the first time on a container that nobody supervises.
test_stop_without_supervisor() {
    prepare
    local verb leader
    for verb in stop terminate 'rm --force'; do
        start_in_background web
        leader=$(state_field "$ID-web" leader)
        kill -KILL "$(state_field "$ID-web" supervisor)"
        # shellcheck disable=SC2086 # words
        expect_rc 0 b $verb "$ID-web"
        retry_until "$SETTLE_TIMEOUT" all_gone "$leader"
        assert_no_trace "$ID-web"
        b rm --force "$ID-web" >/dev/null 2>&1 || true
        assert_removed "$ID-web"
    done
}

test_wait_on_a_killed_supervisor() {
    prepare
    start_in_background web
    "$BERTHCTL" wait "$ID-web" >out 2>err &
    local pid=$! status=0
    kill -KILL "$(state_field "$ID-web" supervisor)"
    wait "$pid" || status=$?
    assert_eq "$status" 1
    assert_match "$(cat err)" 'supervisor'
}

# In the foreground, the caller hears of it and does not hang.
test_foreground_with_a_killed_supervisor() {
    prepare
    "$BERTHCTL" run --name="$ID-web" -D "$ROOT" /bin/sh -c 'touch /ready; exec sleep 1000' 2>err &
    local pid=$! status=0
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    retry_until "$SETTLE_TIMEOUT" says '^[1-9]' state_field "$ID-web" leader
    kill -KILL "$(state_field "$ID-web" supervisor)"
    wait "$pid" || status=$?
    assert_eq "$status" 125
    assert_match "$(cat err)" 'supervisor is gone'
    expect_rc 0 b terminate "$ID-web"
    assert_no_trace "$ID-web"
}

# --- State ------------------------------------------------------------------------------------------------------------

test_corrupt_state_file() {
    prepare
    own_state
    local damage
    for damage in truncate garbage empty binary deep wrong-name directory; do
        start_in_background good
        start_in_background bad
        local state=$BERTH_RUN/machines/$ID-bad supervisor leader
        supervisor=$(state_field "$ID-bad" supervisor)
        leader=$(state_field "$ID-bad" leader)
        case $damage in
            truncate) truncate -s 40 "$state" ;;
            garbage) echo '{"schema": "one", "name": 7, "leader": {}}' >"$state" ;;
            empty) : >"$state" ;;
            binary) head -c 5000 /dev/urandom >"$state" ;;
            deep) head -c 50000 /dev/zero | tr '\0' '[' >"$state" ;;
            wrong-name) sed -i "s/$ID-bad/other/" "$state" ;;
            directory) rm "$state" && mkdir "$state" ;;
        esac
        expect_rc 0 b list
        assert_match "$OUT" "$ID-good"
        assert_printable "$ERR_FILE"
        assert_match "$(cat "$ERR_FILE")" 'container still runs'
        expect_rc 0 b exec "$ID-good" /bin/true
        # It lives, and nothing may pretend otherwise: neither a second one of the name nor a removal.
        expect_rc 1 b stop "$ID-bad"
        expect_rc 1 b rm "$ID-bad"
        expect_rc 125 b run --name "$ID-bad" -D "$ROOT" /bin/true
        kill -0 "$supervisor" "$leader"
        kill -KILL "$supervisor" "$leader"
        retry_until "$SETTLE_TIMEOUT" pid_is_gone "$supervisor"
        b list >/dev/null 2>&1
        b terminate "$ID-good"
        find "$BERTH_RUN/machines" -name '.#*' -o -type d -name '*-bad' | grep -q . || [[ ! -e $state ]] || fail "$damage: not moved aside"
        rm -rf "$BERTH_RUN"
        "$BERTHCTL" list >/dev/null 2>&1 || true
    done
}

test_unknown_and_missing_fields() {
    prepare
    start_in_background web
    local state=$BERTH_RUN/machines/$ID-web
    sed -i 's/^{/{"of_a_later_version":{"a":[1,2]},/; s/"stop_timeout_usec":[0-9]*,//' "$state"
    expect_rc 0 b exec "$ID-web" /bin/true
    expect_rc 0 b list
    assert_match "$OUT" "$ID-web"
    b terminate "$ID-web"
}

# A state file whose pid is somebody else's by now: that process is not to be touched.
test_recycled_pid() {
    prepare
    start_in_background web
    local state=$BERTH_RUN/machines/$ID-web leader supervisor bystander
    leader=$(state_field "$ID-web" leader)
    supervisor=$(state_field "$ID-web" supervisor)
    cp "$state" saved
    b terminate "$ID-web"
    sleep 1000 &
    bystander=$!
    on_exit kill -KILL "$bystander"
    sed "s/\"leader\":$leader/\"leader\":$bystander/; s/\"supervisor\":$supervisor/\"supervisor\":$bystander/" saved >"$state"
    b list >/dev/null 2>&1
    b stop "$ID-web" >/dev/null 2>&1 || true
    kill -0 "$bystander" || fail 'a stranger was killed'
    assert_no_trace "$ID-web"
}

# R13: as after a reboot with a run directory that is not a tmpfs.
test_state_of_another_boot() {
    prepare
    start_in_background web
    local state=$BERTH_RUN/machines/$ID-web
    cp "$state" saved
    b terminate "$ID-web"
    sed 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/' saved >"$state"
    expect_rc 0 b list
    assert_no_match "$OUT" "$ID-web"
    expect_rc 0 b run --replace --name="$ID-web" -D "$ROOT" /bin/true
}

# --- At once ----------------------------------------------------------------------------------------------------------

test_two_of_one_name() {
    prepare
    local i pids=() won=0 lost=0 pid status
    for i in 1 2 3 4 5 6; do
        "$BERTHCTL" run --name="$ID-web" -D "$ROOT" /bin/sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exit 7' 2>"err$i" &
        pids+=($!)
    done
    retry_until "$SETTLE_TIMEOUT" is_running "$ID-web"
    retry_until "$SETTLE_TIMEOUT" five_have_ended "${pids[@]}"
    touch "$ROOT/go"
    for pid in "${pids[@]}"; do
        status=0
        wait "$pid" || status=$?
        case $status in
            7) won=$((won + 1)) ;;
            125) lost=$((lost + 1)) ;;
            *) fail "exit code $status" ;;
        esac
    done
    assert_eq "$won $lost" '1 5'
    assert_eq "$(cat err? | grep -c "'$ID-web'.*already\|exists already")" 5
    assert_no_trace "$ID-web"
}

five_have_ended() { # PID...
    local pid alive=0
    for pid; do ! kill -0 "$pid" 2>/dev/null || grep -q '^State:.*Z' "/proc/$pid/status" || alive=$((alive + 1)); done
    ((alive == 1))
}

test_twenty_at_once() {
    prepare
    local i pids=() pid
    for i in {1..20}; do
        (expect_rc 0 b run -d --name="$ID-$i" -D "$ROOT" /bin/sleep 1000) &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    assert_eq "$(b list --quiet | grep -c "^$ID-")" 20
    pids=()
    for i in {1..20}; do
        "$BERTHCTL" stop --time=0.5 "$ID-$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    assert_eq "$(b list --quiet | grep -c "^$ID-" || true)" 0
    assert_no_trace "$ID"
}

# R8: a name can be used again in the moment in which the command that ended it returns.
test_one_name_again_and_again() {
    prepare
    local i
    for ((i = 0; i < 50; i++)); do
        b run --name="$ID-web" -D "$ROOT" /bin/true
    done
    for ((i = 0; i < 20; i++)); do
        b run -d --rm --name="$ID-web" -D "$ROOT" /bin/sleep 1000 >/dev/null
        b terminate "$ID-web"
    done
    assert_no_trace "$ID-web"
}

test_end_while_others_look() {
    prepare
    touch looking
    (while [[ -e looking ]]; do "$BERTHCTL" list >>seen 2>>errors || echo "list failed: $?" >>errors; done) &
    local watcher=$! i
    for ((i = 0; i < 20; i++)); do
        b run --name="$ID-web" -D "$ROOT" /bin/true
        b run -d --rm --name="$ID-two" -D "$ROOT" /bin/true >/dev/null
        retry_until "$SETTLE_TIMEOUT" is_gone "$ID-two"
    done
    rm looking
    wait "$watcher"
    assert_eq "$(cat errors)" ''
}

run_tests
