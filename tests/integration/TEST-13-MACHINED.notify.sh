#!/bin/bash
# hosts: host
# What a payload tells of itself reaches the service manager of its unit: from its first process, and no more than it may.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

# With a real unit: TEST-13-MACHINED.boot. Here, a service manager that writes down what it hears.
listen() {
    export NOTIFY_SOCKET=$TEST_TMP/unit.socket
    python3 -u -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(4096).decode(), end="")' "$NOTIFY_SOCKET" >heard &
    on_exit kill $!
    retry_until "$SETTLE_TIMEOUT" test -S "$NOTIFY_SOCKET"
}

heard() { grep -qx -- "$1" heard; }

prepare_notify() {
    prepare
    install_helper notify
    listen
}

test_ready_when_started() {
    prepare_notify
    "$BERTHCTL" run --keep-unit --name="$ID" -D "$ROOT" /bin/sleep 1000 &
    retry_until "$SETTLE_TIMEOUT" heard READY=1
    b terminate "$ID"
}

test_ready_when_the_payload_says_so() {
    prepare_notify
    "$BERTHCTL" run --keep-unit --notify=container --name="$ID" -D "$ROOT" /bin/notify \
        STATUS=first fork:READY=1 fork:STATUS=forged MAINPID=1 STATUS=second &
    retry_until "$SETTLE_TIMEOUT" heard STATUS=second
    assert_eq "$(cat heard)" $'STATUS=first\nSTATUS=second'
    b terminate "$ID"
    "$BERTHCTL" run --keep-unit --notify=container --name="$ID" -D "$ROOT" /bin/notify READY=1 STATUS=third &
    retry_until "$SETTLE_TIMEOUT" heard STATUS=third
    heard READY=1
    b stop "$ID"
}

test_any_user_of_the_container() {
    prepare_notify
    "$BERTHCTL" run --keep-unit --notify-ready=yes --user=1000 --name="$ID" -D "$ROOT" /bin/notify READY=1 &
    retry_until "$SETTLE_TIMEOUT" heard READY=1
    b stop "$ID"
}

# Without a unit that wants to know there is nobody to tell, and nothing fails.
test_nobody_listens() {
    prepare
    install_helper notify
    expect_rc 0 run_in --notify=container /bin/notify READY=1 STATUS=x exit
    # From a directory that the container's root could not come back to.
    mkdir -m 700 closed
    cd closed
    expect_rc 0 run_in --userns=auto --notify=container /bin/notify READY=1 STATUS=x exit
}

test_what_is_given() {
    prepare
    # Nothing unless it is asked for, and never the host's.
    NOTIFY_SOCKET=/run/systemd/notify expect_rc 0 sh_in 'env; ls /run'
    assert_no_match "$OUT" $'NOTIFY|\nhost'
    # shellcheck disable=SC2016 # expands inside
    expect_rc 1 sh_in 'echo "$NOTIFY_SOCKET"; ls /run/host; : >/run/host/x' --notify=container
    assert_eq "$OUT" $'/run/host/notify\nnotify'
    assert_match "$ERR" 'Read-only file system'
}

test_watchdog() {
    prepare_notify
    # The supervisor's own business, unless the payload speaks for itself.
    WATCHDOG_USEC=400000 "$BERTHCTL" run --keep-unit --name="$ID" -D "$ROOT" /bin/sleep 1000 &
    has_pings() { (($(grep -c WATCHDOG=1 heard) >= 4)); }
    retry_until "$SETTLE_TIMEOUT" has_pings
    b terminate "$ID"
    : >heard
    WATCHDOG_USEC=400000 "$BERTHCTL" run --keep-unit --notify=container --name="$ID" -D "$ROOT" /bin/sh -c \
        'echo $WATCHDOG_USEC >/usec; exec /bin/notify WATCHDOG=1 STATUS=end' &
    retry_until "$SETTLE_TIMEOUT" heard STATUS=end
    sleep 0.6
    assert_eq "$(grep -c WATCHDOG=1 heard)" 1
    assert_eq "$(cat "$ROOT/usec")" 400000
    b stop "$ID"
}

test_a_flood_does_no_harm() {
    prepare_notify
    "$BERTHCTL" run --keep-unit --notify=container --name="$ID" -D "$ROOT" /bin/sh -c \
        'i=0; while [ $i -lt 300 ]; do /bin/notify "fork:STATUS=$i" exit; i=$((i+1)); done; exec /bin/notify STATUS=end READY=1' &
    retry_until "$SETTLE_TIMEOUT" heard READY=1
    assert_eq "$(cat heard)" $'STATUS=end\nREADY=1'
    b stop "$ID"
}

test_refusals() {
    prepare
    expect_rc 125 run_in --notify=healthy /bin/true
    assert_match "$ERR" 'no health check'
    expect_rc 125 run_in --notify=container --init /bin/true
    assert_match "$ERR" 'first process'
    expect_rc 125 run_in --uuid=123 /bin/true
    assert_match "$ERR" "'123' is not a UUID"
    NOTIFY_SOCKET=/nonexistent expect_rc 125 run_in --keep-unit /bin/true
    assert_match "$ERR" 'cannot reach .NOTIFY_SOCKET'
}

run_tests
