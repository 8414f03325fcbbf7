#!/bin/bash
# hosts: host booted
# --restart=: what ends by itself is started again under its supervisor, what was stopped is not.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016,SC2317
. "$(dirname "$0")/containers.sh"

PATIENCE=60

# Each start of the program adds a line to /count.
start_counting() { # SCRIPT OPTION...
    local script="echo x >>/count; $1"
    shift
    b run -d --name="$ID" -D "$ROOT" "$@" /bin/sh -c "$script" >/dev/null
}

count() { wc -l <"$ROOT/count"; }
has_counted() { (($(count) >= $1)); }
restarts() { b show -p Restarts --value "$ID"; }
has_restarted() { (($(restarts) >= $1)); }
leader_is_other() { local now && now=$(state_field "$ID" leader) && [[ $now != "$1" && -d /proc/$now ]]; }

test_always() {
    local supervisor
    prepare
    start_counting 'exit 0' --restart=always
    supervisor=$(state_field "$ID" supervisor)
    retry_until "$PATIENCE" has_counted 4
    retry_until "$PATIENCE" has_restarted 3
    assert_eq "$(state_field "$ID" supervisor)" "$supervisor"
    assert_eq "$(state_field "$ID" restart)" always
    # It waits before the next start, and hears this at once all the same.
    expect_rc 0 b stop "$ID"
    is_gone "$ID"
    assert_no_trace "$ID"
}

test_killed() {
    local old
    prepare
    start_counting 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' --restart=unless-stopped
    old=$(state_field "$ID" leader)
    b kill --signal=KILL "$ID"
    retry_until "$PATIENCE" leader_is_other "$old"
    expect_rc 0 b exec "$ID" cat /count
    assert_eq "$OUT" $'x\nx'
    # This one is for good.
    expect_rc 0 b terminate "$ID"
    is_gone "$ID"
    sleep 0.5
    is_gone "$ID"
    assert_eq "$(count)" 2
    assert_no_trace "$ID"
}

test_on_failure() {
    prepare
    start_counting 'exit 3' --restart=on-failure:2
    retry_until "$PATIENCE" is_gone "$ID"
    assert_eq "$(count)" 3
    expect_rc 0 b wait "$ID"
    assert_eq "$OUT" 3
    b rm "$ID"
    rm "$ROOT/count"
    start_counting 'exit 0' --restart=on-failure
    retry_until "$PATIENCE" is_gone "$ID"
    assert_eq "$(count)" 1
    b rm "$ID"
    rm "$ROOT/count"
    # By default, and when it is said.
    start_counting 'exit 3' --restart=no
    retry_until "$PATIENCE" is_gone "$ID"
    assert_eq "$(count)" 1
}

test_health() {
    prepare
    start_counting 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' --restart=on-failure \
        --health-cmd='test -e /well' --health-interval=100ms --health-retries=1 --health-on-failure=restart
    retry_until "$PATIENCE" has_restarted 1
    touch "$ROOT/well"
    expect_rc 0 b stop "$ID"
    is_gone "$ID"
}

# The network, the ids and the mounts are the next program's, too.
test_surroundings() {
    prepare
    mkdir "$TEST_TMP/shared"
    start_counting 'cat /shared/word >>/seen; ls /sys/class/net >>/seen; id -u >>/seen; [ -t 1 ] && echo tty >>/seen; exit 1' \
        --restart=on-failure:1 --bind="$TEST_TMP/shared:/shared" --tmpfs=/scratch -t
    echo word >"$TEST_TMP/shared/word"
    retry_until "$PATIENCE" is_gone "$ID"
    assert_eq "$(count)" 2
    assert_eq "$(tail -n 4 "$ROOT/seen")" $'word\nlo\n0\ntty'
    assert_no_trace "$ID"
}

test_refusals() {
    prepare
    expect_rc 125 run_in --restart=always /bin/true
    assert_match "$ERR" 'in the foreground.*create'
    expect_rc 125 run_in -d --rm --restart=always /bin/true
    assert_match "$ERR" '--restart and --rm exclude each other'
    expect_rc 125 run_in -d --log-driver=passthrough --restart=always /bin/true
    assert_match "$ERR" 'exclude each other'
    expect_rc 125 run_in -d --restart=sometimes /bin/true
    assert_match "$ERR" 'unless-stopped'
    expect_rc 125 run_in -d --restart=on-failure:-1 /bin/true
    assert_match "$ERR" 'attempts'
    is_gone "$ID"
}

run_tests
