#!/bin/bash
# hosts: host vm
# Health checks: what they make of a container, that they run as confined as exec, and that nothing of them stays.
. "$(dirname "$0")/containers.sh"

# A container in the background whose check is COMMAND, five times a second.
start_checked() { # COMMAND [OPTION...]
    local command=$1
    shift
    b run -d --name="$ID" -D "$ROOT" --health-cmd="$command" --health-interval=200ms --health-retries=2 "$@" \
        /bin/sh -c 'trap "exit 9" TERM; while :; do sleep 1000 & wait; done' >/dev/null
}

has_health() { [[ $(b show --value -p health_status "$ID") == "$1" ]]; }
becomes() { retry_until "$SETTLE_TIMEOUT" has_health "$1"; }
has_children() { [[ $(wc -w <"/proc/$(state_field "$ID" supervisor)/task/$(state_field "$ID" supervisor)/children") == "$1" ]]; }
statuses() { b events --no-follow -o json --filter container="$ID" --filter event=health_status | python3 -c 'import json,sys; print(*[json.loads(l)["health"] for l in sys.stdin])'; }

test_healthy_unhealthy_and_back() {
    prepare
    start_checked 'echo looking; test ! -e /sick'
    becomes healthy
    assert_match "$(b list --no-legend)" "running \(healthy\)"
    assert_match "$(b status "$ID")" 'Health: healthy, checked'
    touch "$ROOT/sick"
    becomes unhealthy
    is_running "$ID" || fail 'it was ended'
    assert_match "$(b list --no-legend)" "running \(unhealthy\)"
    assert_match "$(b status "$ID")" 'status 1, [2-9] failures in a row'
    assert_match "$(b status "$ID")" 'looking'
    rm "$ROOT/sick"
    becomes healthy
    b stop "$ID"
    [[ $BERTH_HOST != host ]] && journalctl --sync
    assert_eq "$(statuses)" 'healthy unhealthy healthy'
    assert_no_trace "$ID"
}

test_starting_and_start_period() {
    prepare
    start_checked 'test -e /well' --health-start-period=1h --health-start-interval=100ms --health-interval=1h --health-retries=1
    has_health starting
    sleep 1
    has_health starting || fail 'failures of the start period count'
    touch "$ROOT/well"
    becomes healthy
}

test_a_check_that_hangs() {
    prepare
    start_checked 'sleep 777 & sleep 777' --health-timeout=300ms
    becomes unhealthy
    assert_match "$(b show --value -p health_output "$ID")" 'did not end within 300 ms'
    b stop "$ID"
    assert_eq "$(processes_of_root)" ''
}

# More than is kept, or than a pipe holds, is no reason to fail; nor are bytes that are no text.
test_output() {
    prepare
    start_checked 'head -c 300000 /dev/zero | tr "\0" x; printf "\033[2J"'
    becomes healthy
    assert_eq "$(b show --value -p health_output "$ID" | wc -c)" 513
    b terminate "$ID"
    b rm "$ID"
    start_checked 'printf "\033[2J\"\\\\\377"; exit 3'
    becomes unhealthy
    b status "$ID" >shown
    assert_eq "$(LC_ALL=C tr -d '\n\040-\176' <shown | LC_ALL=C tr -d '\342\200-\277' | wc -c)" 0
    b show -o json "$ID" | python3 -c 'import json,sys; d = json.load(sys.stdin); d = d[0] if isinstance(d, list) else d; assert d["health_code"] == 3, d'
}

test_a_check_that_cannot_run() {
    prepare
    start_checked '["CMD","/bin/no-such-thing"]'
    becomes unhealthy
    assert_match "$(b show --value -p health_output "$ID")" "'/bin/no-such-thing' is not in the container"
    assert_eq "$(b show --value -p health_code "$ID")" 127
}

test_on_failure() {
    prepare
    start_checked /bin/false --health-on-failure=kill
    b wait "$ID" >code
    assert_eq "$(cat code)" 137
    b rm "$ID"
    start_checked /bin/false --health-on-failure=stop
    b wait "$ID" >code
    assert_eq "$(cat code)" 9
    b rm "$ID"
    expect_rc 125 start_checked /bin/false --health-on-failure=restart
    assert_match "$ERR" 'only a service restarts'
    assert_removed "$ID"
}

# THREATS A1, A2, A4, E1, E2: as exec has it. The status of the check's process is that of an exec'd one.
test_confinement() {
    prepare
    local what='grep -E "^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups|NSpid)" /proc/self/status; readlink /proc/self/cwd /proc/self/exe /proc/self/ns/*; ls /proc/self/fd | wc -l; grep ^0: /proc/self/cgroup'
    start_checked "test -e /out-check || { { $what; } >/tmp/out; mv /tmp/out /out-check; }" --workdir=/tmp --cap-drop=CHOWN
    becomes healthy
    b exec "$ID" /bin/sh -c "{ $what; } >/out-exec"
    diff <(sed 's/NSpid:.*/NSpid/' "$ROOT/out-check") <(sed 's/NSpid:.*/NSpid/' "$ROOT/out-exec")
    assert_match "$(grep NSpid: "$ROOT/out-check")" '^NSpid:[[:space:]]*[0-9]+$'
    b terminate "$ID"
    b rm "$ID"
    chmod 1777 "$ROOT/tmp"
    start_checked "test -e /tmp/out-check || { { $what; } >/tmp/out; mv /tmp/out /tmp/out-check; }" --user=1234:5678
    becomes healthy
    b exec "$ID" /bin/sh -c "{ $what; } >/tmp/out-exec"
    diff <(sed 's/NSpid:.*/NSpid/' "$ROOT/tmp/out-check") <(sed 's/NSpid:.*/NSpid/' "$ROOT/tmp/out-exec")
    grep -q '^CapEff:.*0000000000000000$' "$ROOT/tmp/out-check"
    grep -q '^Uid:.*1234' "$ROOT/tmp/out-check"
}

# A4: as TEST-02 has it for exec: PID 1 looks for a moment in which the check is not confined yet.
test_nobody_gets_at_a_check() {
    prepare
    install_helper probe
    b run -d --name="$ID" -D "$ROOT" --log-driver=none --health-cmd='["CMD","/bin/true"]' --health-interval=10ms \
        /bin/sh -c '/bin/probe spy /enough >/result; touch /finished; sleep 1000' >/dev/null
    sleep 3
    has_health healthy
    touch "$ROOT/enough"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/finished"
    assert_match "$(cat "$ROOT/result")" 'caught 0$'
}

# One process for each check, and none beside it.
test_no_process_but_the_check() {
    prepare
    start_checked 'sleep 1000' --health-timeout=1h
    # Children of the supervisor: the payload's first process and the check (its shell becomes its last command).
    retry_until "$SETTLE_TIMEOUT" has_children 2
    sleep 1
    has_children 2
    assert_eq "$(processes_of_root | wc -l)" 3 # and the payload's own sleep
    b stop "$ID"
    assert_eq "$(processes_of_root)" ''
}

test_no_check_while_it_is_paused() {
    prepare
    start_checked 'echo x >>/count'
    becomes healthy
    b pause "$ID" 2>/dev/null || skip 'no cgroup to freeze here'
    local before
    before=$(wc -l <"$ROOT/count")
    sleep 1
    assert_eq "$(wc -l <"$ROOT/count")" "$before"
    has_health healthy
    b resume "$ID"
    retry_until "$SETTLE_TIMEOUT" sh -c "[ \$(wc -l <'$ROOT/count') -gt $before ]"
    has_health healthy
}

test_refused() {
    prepare
    expect_rc 125 run_in --health-cmd='["CMD"]' /bin/true
    expect_rc 125 run_in --health-cmd=x --health-interval=1ms /bin/true
    expect_rc 125 run_in --health-cmd=x --health-retries=0 /bin/true
    expect_rc 125 run_in --notify=healthy /bin/true
    assert_match "$ERR" 'no health check that could tell'
    expect_rc 125 run_in --notify=healthy --no-healthcheck --health-cmd=x /bin/true
}

test_from_an_image() {
    prepare_image '{"Cmd":["/bin/sleep","1000"],"Healthcheck":{"Test":["CMD-SHELL","test -e /well"],"Interval":200000000,"Retries":1}}'
    b run -d --name="$ID" "$(image)" >/dev/null
    becomes unhealthy
    b exec "$ID" /bin/touch /well
    becomes healthy
    b rm -f "$ID"
    b run -d --name="$ID" --no-healthcheck "$(image)" >/dev/null
    assert_eq "$(b show --value -p health_status "$ID")" ''
    b rm -f "$ID"
    b run -d --name="$ID" --health-cmd=/bin/true "$(image)" >/dev/null
    becomes healthy
    b rm -f "$ID"
    # Of an unknown kind, or as often as it can: no harm.
    load_image "$(image)" '{"Cmd":["/bin/sleep","1000"],"Healthcheck":{"Test":["EVAL","rm -rf /"],"Interval":1}}'
    b run -d --name="$ID" "$(image)" >/dev/null
    assert_eq "$(b show --value -p health_status "$ID")" ''
    b rm -f "$ID"
    load_image "$(image)" '{"Cmd":["/bin/sleep","1000"],"Healthcheck":{"Test":["CMD","/bin/sh","-c","echo x >>/count"],"Interval":1}}'
    b run -d --name="$ID" "$(image)" >/dev/null
    sleep 2
    (($(b exec "$ID" wc -l /count | cut -d' ' -f1) <= 25)) || fail 'too many checks'
    b rm -f "$ID"
    expect_rc 1 load_image "$(image)" '{"Healthcheck":{"Test":"x","Interval":"often"}}'
}

run_tests
