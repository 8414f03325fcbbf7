#!/bin/bash
# hosts: host vm
# A container among the processes of another one: PID, IPC and user namespace, /dev/shm, and one end for both.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

namespace_of() { readlink "/proc/$(state_field "$1" leader)/ns/$2"; }

test_joined_processes() {
    prepare
    local kind
    start_in_background web --userns=auto
    b exec -d "$ID-web" sleep 54321
    start_in_background side --pid="container:$ID-web" --ipc="container:$ID-web"
    for kind in pid ipc user; do
        assert_eq "$(namespace_of "$ID-side" "$kind")" "$(namespace_of "$ID-web" "$kind")"
    done
    for kind in mnt net uts cgroup; do
        [[ $kind == cgroup ]] || assert_ne "$(namespace_of "$ID-side" "$kind")" "$(namespace_of "$ID-web" "$kind")"
    done
    # What it has of its own belongs to the user namespace, and so does its root: it may rule that, and mount nothing of the host's.
    expect_rc 0 b exec "$ID-side" /bin/sh -c 'id -u; cat /proc/self/uid_map; readlink /proc/1/ns/pid; ps | grep -c "[s]leep 54321"'
    assert_match "$(head -n 1 <<<"$OUT")" '^0$'
    assert_match "$(sed -n 2p <<<"$OUT" | tr -s ' ')" "^ ?0 $(sed -n 's/.*"uid_map":\["0:\([0-9]*\):.*/\1/p' "$BERTH_RUN/machines/$ID-web") 65536"
    assert_match "$(sed -n 3p <<<"$OUT")" "$(namespace_of "$ID-web" pid | tr -d '[]' | sed 's/pid:/pid:./')"
    assert_eq "$(tail -n 1 <<<"$OUT")" 1
    # They reach each other, as processes of one container do.
    expect_rc 0 b exec "$ID-side" /bin/sh -c 'kill $(ps | sed -n "s/^ *\([0-9]*\) .*[s]leep 54321/\1/p") && echo killed'
    assert_eq "$OUT" killed
    # The supervisor is where it was.
    for kind in pid ipc user mnt pid_for_children; do
        assert_eq "$(readlink "/proc/$(state_field "$ID-side" supervisor)/ns/$kind")" "$(readlink "/proc/self/ns/$kind")"
    done
    # Ids belong to the one that took them.
    assert_no_match "$(<"$BERTH_RUN/machines/$ID-side")" '"id_ranges":\["'
    b terminate "$ID-side"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-side"
    expect_rc 0 b exec "$ID-web" /bin/echo alive
    assert_eq "$OUT" alive
    b terminate "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    assert_no_trace "$ID"
}

test_shared_memory() {
    prepare
    start_in_background web --userns=auto
    expect_rc 0 b exec "$ID-web" /bin/sh -c 'echo theirs >/dev/shm/one && ls -d /dev/mqueue'
    expect_rc 0 run_in --pid="container:$ID-web" --ipc="container:$ID-web" /bin/sh -c 'cat /dev/shm/one; echo mine >/dev/shm/two; stat -c %u /dev/shm/one'
    assert_eq "$OUT" $'theirs\n0'
    expect_rc 0 b exec "$ID-web" /bin/cat /dev/shm/two
    assert_eq "$OUT" mine
    # With its processes only, the memory is its own.
    expect_rc 0 run_in --pid="container:$ID-web" /bin/ls /dev/shm
    assert_eq "$OUT" ''
    # One that is hostile leads nowhere but to what is its own.
    expect_rc 0 b run -d --name="$ID-evil" -D "$ROOT" --cap-add=SYS_ADMIN --security-opt=seccomp=unconfined --userns=auto /bin/sh -c \
        'mkdir /tmp/h; umount /dev/shm; rmdir /dev/shm; ln -s /proc/1/root/etc /dev/shm; touch /tmp/h/done; exec sleep 1000'
    retry_until "$SETTLE_TIMEOUT" b exec "$ID-evil" test -L /dev/shm
    expect_rc 125 run_in --pid="container:$ID-evil" --ipc="container:$ID-evil" /bin/true
    assert_match "$ERR" "--ipc: cannot take the /dev/shm of '$ID-evil'"
}

# The end of the first is the end of both: its ids may be somebody else's the next moment.
test_one_end() {
    prepare
    local leader supervisor
    start_in_background web --userns=auto
    start_in_background side --pid="container:$ID-web"
    leader=$(state_field "$ID-side" leader)
    supervisor=$(state_field "$ID-side" supervisor)
    b exec -d "$ID-side" setsid sleep 1000
    kill -KILL "$(state_field "$ID-web" leader)"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    # Nothing of the other one is left when the first has been taken back: the kernel waits for it.
    [[ ! -e /proc/$leader ]] || fail "process $leader runs on"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-side"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$supervisor"
    retry_until "$SETTLE_TIMEOUT" eval '[[ -z $(processes_of_root) ]]'
    assert_no_trace "$ID"
}

test_refusals() {
    prepare
    start_in_background web --userns=auto
    start_in_background open --userns=host
    start_in_background wide --pid=host
    expect_rc 125 run_in --ipc="container:$ID-web" /bin/true
    assert_match "$ERR" "--ipc: what belongs to '$ID-web' can be had only by who ends with it"
    expect_rc 125 run_in --userns="container:$ID-web" /bin/true
    assert_match "$ERR" "--pid=container:$ID-web"
    expect_rc 125 run_in --pid=container:nobody /bin/true
    assert_match "$ERR" "--pid: no container 'nobody' is running"
    # The host's by another name.
    expect_rc 125 run_in --pid="container:$ID-wide" /bin/true
    assert_match "$ERR" "the PID namespace of '$ID-wide' is the host's.*--pid=host"
    expect_rc 125 run_in --pid="container:$ID-open" /bin/true
    assert_match "$ERR" "the user namespace of '$ID-open' is the host's.*--userns=host"
    expect_rc 0 run_in --pid="container:$ID-open" --ipc="container:$ID-open" --userns=host \
        /bin/sh -c 'readlink /proc/self/ns/pid; readlink /proc/self/ns/user'
    assert_eq "$OUT" "$(namespace_of "$ID-open" pid)"$'\n'"$(readlink /proc/self/ns/user)"
    # A start that fails leaves the other one alone.
    expect_rc 127 run_in --pid="container:$ID-web" /bin/nothing
    expect_rc 0 b exec "$ID-web" /bin/echo alive
}

# While it is being started there, those who are there cannot look into it: it is the host's until its program runs.
test_hostile_neighbours() {
    prepare
    echo secret >"$TEST_TMP/canary"
    start_in_background web --userns=auto --cap-add=SYS_PTRACE
    expect_rc 0 b exec -d "$ID-web" /bin/sh -c "while :; do
        for p in /proc/[0-9]*; do
            cat \$p/root$TEST_TMP/canary \$p/cwd$TEST_TMP/canary 2>/dev/null
            ls -l \$p/fd 2>/dev/null | grep -E 'berth|memfd|$TEST_TMP'
        done >>/tmp/seen; cat /proc/[0-9]*/comm >>/tmp/met 2>/dev/null; done"
    for ((i = 0; i < 20; i++)); do
        expect_rc 0 run_in --pid="container:$ID-web" /bin/true
    done
    retry_until "$SETTLE_TIMEOUT" test -s "$ROOT/tmp/met"
    printf '# met: %s\n' "$(sort "$ROOT/tmp/met" | uniq -c | tr -s ' \n' ' ')"
    [[ ! -s $ROOT/tmp/seen ]] || fail "seen of the executor: $(head -c 500 "$ROOT/tmp/seen")"
}

run_tests
