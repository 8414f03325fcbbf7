#!/bin/bash
# hosts: host
# Events where there is no journal: what a container's life leaves in the file, what `events` shows of it and follows.
. "$(dirname "$0")/containers.sh"

kinds() { b events --no-follow "$@" | cut -d' ' -f3 | tr '\n' ' '; }

test_a_life() {
    prepare
    b run -d --name="$ID" -D "$ROOT" /bin/sh -c 'exit 3' >/dev/null
    b wait "$ID" >/dev/null
    b rm "$ID"
    assert_eq "$(kinds --filter container="$ID")" 'create start die exit remove '
    assert_eq "$(kinds --filter event=die --filter container="$ID")" 'die '
    assert_eq "$(kinds --filter event=die --filter event=start --filter container="$ID")" 'start die '
    assert_eq "$(kinds --filter event=die --filter container="$ID-x")" ''
    assert_eq "$(kinds --filter code=3)" 'die exit '
    b events --no-follow -o json --filter event=die >json
    python3 - json "$ID" <<'PYTHON'
import json, sys
event, = map(json.loads, open(sys.argv[1]))
assert (event['type'], event['name'], event['code'], event['signal'], len(event['id'])) == ('container', sys.argv[2], 3, 0, 64), event
PYTHON
    assert_eq "$(stat -c %a "$BERTH_RUN/events")" 600
    expect_rc 1 b events --filter nonsense
    expect_rc 1 b events --filter colour=red
    assert_match "$ERR" 'keys are'
}

test_signals_pause_exec_rename() {
    prepare
    start_in_background a
    b exec "$ID-a" /bin/true
    b pause "$ID-a" 2>/dev/null || skip 'no cgroup to freeze here'
    b resume "$ID-a"
    b terminate "$ID-a"
    b rename "$ID-a" "$ID-b"
    assert_eq "$(kinds)" 'create start exec pause unpause die exit rename '
    assert_match "$(b events --no-follow --filter event=die)" 'code=137, signal=9'
    assert_match "$(b events --no-follow --filter event=exec)" 'command=/bin/true'
}

test_foreground_and_rm() {
    prepare
    run_in --rm /bin/true
    assert_eq "$(kinds)" 'start die exit remove '
}

test_follow_and_times() {
    prepare
    b run -d --rm --name="$ID-old" -D "$ROOT" /bin/true >/dev/null
    b wait "$ID-old" >/dev/null || true
    timeout 30 "$BERTHCTL" events --until=+4s --filter event=start >followed &
    local pid=$! begin=$SECONDS
    timeout 30 "$BERTHCTL" monitor --since=10min --until=+4s --filter event=start >since &
    retry_until "$SETTLE_TIMEOUT" grep -q "$ID-old" since
    b run --rm --name="$ID-new" -D "$ROOT" /bin/true
    wait "$pid"
    wait
    ((SECONDS - begin <= 10)) || fail 'it did not end in time'
    assert_eq "$(cut -d' ' -f4 <followed)" "$ID-new"
    assert_eq "$(cut -d' ' -f4 <since | tr '\n' ' ')" "$ID-old $ID-new "
    assert_eq "$(kinds --until=2026-01-01)" ''
}

# THREATS G1: what somebody runs in a container may be meant for the terminal of who looks.
test_hostile_command() {
    prepare
    start_in_background a
    b exec "$ID-a" /bin/echo $'\033]0;title\007' $'two\nlines "quoted" \\' >/dev/null
    b events --no-follow --filter event=exec >shown
    assert_eq "$(wc -l <shown)" 1
    assert_eq "$(LC_ALL=C tr -d '\n\040-\176' <shown | wc -c)" 0
    b events --no-follow -o json --filter event=exec | python3 -c 'import json,sys; e = json.loads(sys.stdin.readline()); assert "two\\x0alines \"quoted\"" in e["command"], e'
}

# The file has a largest size, and a reader of it does not mind the change.
test_size() {
    prepare
    run_in --rm /bin/true
    python3 - "$BERTH_RUN/events" <<'PYTHON'
import sys
line = open(sys.argv[1]).readline()
open(sys.argv[1], 'a').write(line * ((1 << 20) // len(line) - 10) + '{"torn":')
PYTHON
    run_in --rm /bin/true
    run_in --rm /bin/true
    run_in --rm /bin/true
    (($(stat -c %s "$BERTH_RUN/events") < 100000)) || fail 'not begun anew'
    [[ -e $BERTH_RUN/events:1 ]] || fail 'the older part is gone'
    assert_eq "$(b events --no-follow | tail -n 4 | cut -d' ' -f3 | tr '\n' ' ')" 'start die exit remove '
}

run_tests
