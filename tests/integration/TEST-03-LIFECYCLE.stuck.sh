#!/bin/bash
# hosts: host
# THREATS 3.2: a program that no signal reaches (R17), and ends while nobody looks (R5).

# shellcheck source-path=SCRIPTDIR source=berthd.sh disable=SC1091,SC2016,SC2317
. "$(dirname "$0")/berthd.sh"

prepare_stalled() {
    prepare
    [[ -c /dev/fuse ]] || skip 'there is no /dev/fuse'
    mkdir "$TEST_TMP/stalled"
    mkfifo "$TEST_TMP/hold"
    "$HELPERS/stalled-fs" "$TEST_TMP/stalled" <"$TEST_TMP/hold" >"$TEST_TMP/stalled.out" 2>&1 &
    exec {HOLD}>"$TEST_TMP/hold"
    on_exit free_stalled
    retry_until "$SETTLE_TIMEOUT" mountpoint -q "$TEST_TMP/stalled"
}

free_stalled() {
    exec {HOLD}>&- || true
    wait || true
}

somebody_waits() { grep -q waits "$TEST_TMP/stalled.out"; }

test_R17_unkillable() {
    local begun
    prepare_stalled
    start_in_background other
    b run -d --name="$ID" --stop-timeout=1 -D "$ROOT" --bind="$TEST_TMP/stalled:/stalled" /bin/sh -c 'cat /stalled/file' >/dev/null
    retry_until "$SETTLE_TIMEOUT" somebody_waits
    # The one who cannot be killed is named, two seconds after all were killed and not ten.
    begun=$SECONDS
    expect_rc 1 b stop "$ID"
    ((SECONDS - begun <= 7)) || fail "took $((SECONDS - begun)) s"
    assert_match "$ERR" "'$ID' does not end: its process [0-9]+ was killed and waits in the kernel"
    begun=$SECONDS
    expect_rc 1 b terminate "$ID"
    ((SECONDS - begun <= 6)) || fail "took $((SECONDS - begun)) s"
    # Nobody else waits for it.
    begun=$(date +%s%N)
    expect_rc 0 b list --no-legend
    assert_match "$OUT" "$ID-other"
    expect_rc 0 b show "$ID-other"
    expect_rc 0 b exec "$ID-other" /bin/true
    echo "# list, show and exec beside it: $((($(date +%s%N) - begun) / 1000000)) ms"
    expect_rc 0 b stop "$ID-other"
    # When the file system answers, it ends, and all is taken back.
    free_stalled
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID"
    assert_no_trace "$ID"
}

has_exit() { b show -p ExitCode --value "$1" | grep -qx "$2"; }

# The daemon is away: how and when each ended is told all the same, and a policy is applied as often as it says.
test_R5_ends_while_the_daemon_is_away() {
    local begun code finished
    prepare
    start_bus
    (umask 077 && mkdir -p "$BERTH_RUN")
    start_daemon
    for code in 0 1; do
        b run -d --name="$ID-$code" -D "$ROOT" /bin/sh -c "until [ -e /end ]; do sleep 0.1; done; exit $code" >/dev/null
    done
    b run -d --name="$ID-137" -D "$ROOT" /bin/sh -c 'until [ -e /end ]; do sleep 0.1; done; kill -KILL $$; sleep 1000' >/dev/null
    b run -d --init --name="$ID-9" -D "$ROOT" /bin/sh -c 'until [ -e /end ]; do sleep 0.1; done; kill -KILL $$' >/dev/null
    b run -d --restart=on-failure:1 --name="$ID-7" -D "$ROOT" \
        /bin/sh -c 'echo >>/starts; until [ -e /end ]; do sleep 0.1; done; exit 7' >/dev/null
    assert_match "$(bus ListMachines)" "$ID-0.*$ID-1"
    kill -KILL "$DAEMON"
    wait "$DAEMON" 2>/dev/null || true
    begun=$(date +%s%6N)
    touch "$ROOT/end"
    for code in 0 1 7 9; do
        retry_until "$SETTLE_TIMEOUT" is_gone "$ID-$code"
    done
    b terminate "$ID-137"
    start_daemon
    assert_eq "$(bus ListMachines)" '[]'
    for code in 0 1 7; do
        has_exit "$ID-$code" "$code" || fail "exit $code is not told: $(b show -p ExitCode --value "$ID-$code")"
        finished=$(b show -p ExitFinishedUSec --value "$ID-$code")
        ((finished >= begun && finished <= $(date +%s%6N))) || fail "$finished is not when it ended"
    done
    has_exit "$ID-9" 137
    has_exit "$ID-137" 137
    assert_eq "$(wc -l <"$ROOT/starts")" 2
}

run_tests
