#!/bin/bash
# hosts: host vm
# From create to rm: what each command does to a container, in order and out of it.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

names_listed() { b list --quiet "$@" | grep "^$ID" || true; }

# --- Background -------------------------------------------------------------------------------------------------------

test_detach_prints_the_name_and_returns() {
    prepare
    expect_rc 0 b run -d --name="$ID-web" -D "$ROOT" /bin/sleep 1000
    assert_eq "$OUT" "$ID-web"
    expect_rc 0 b run -dq --name="$ID-quiet" -D "$ROOT" /bin/sleep 1000
    assert_eq "$OUT" ''
    is_running "$ID-web"
    assert_eq "$(names_listed)" "$ID-quiet"$'\n'"$ID-web"
    b terminate "$ID-web" "$ID-quiet"
    assert_eq "$(names_listed)" ''
}

test_detached_start_that_fails_says_so() {
    prepare
    expect_rc 127 b run -d --name="$ID-web" -D "$ROOT" /no/such
    assert_match "$ERR" '/no/such'
    assert_eq "$OUT" ''
    assert_removed "$ID-web"
    expect_rc 0 b run -d --name="$ID-web" -D "$ROOT" /bin/true
}

test_background_container_outlives_its_caller() {
    prepare
    # Its own session: a hang-up or an interrupt of the shell that started it does not concern it.
    expect_rc 0 "$HELPERS/on-tty" -- "$BERTHCTL" run -d --name="$ID-web" -D "$ROOT" /bin/sleep 1000
    is_running "$ID-web" || fail 'it went with its terminal'
    local supervisor
    supervisor=$(state_field "$ID-web" supervisor)
    assert_eq "$(ps -o sid= -p "$supervisor" | tr -d ' ')" "$supervisor"
    # Nothing of the caller's is held open: no terminal, no pipe.
    assert_eq "$(find "/proc/$supervisor/fd" -lname '/dev/pts/*' -printf '%f ')" ''
}

test_output_pipe_of_the_caller_is_closed() {
    prepare
    # $(…) waits for everybody who holds the pipe.
    local name
    name=$(b run -d --name="$ID-web" -D "$ROOT" /bin/sleep 1000)
    assert_eq "$name" "$ID-web"
    is_running "$ID-web"
}

# --- Stop, terminate, kill --------------------------------------------------------------------------------------------

test_stop_is_orderly() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'trap "echo stopping; exit 33" TERM; touch /ready; while :; do sleep 0.1; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    expect_rc 0 b stop "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 33
    is_gone "$ID-web"
}

test_stop_signal() {
    prepare
    b run -d --name="$ID-web" --stop-signal=USR1 -D "$ROOT" \
        /bin/sh -c 'trap "exit 1" TERM; trap "exit 2" USR1; touch /ready; while :; do sleep 0.1; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    b stop "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 2
    expect_rc 125 b run --name="$ID" --stop-signal=SIGNO -D "$ROOT" /bin/true
    assert_match "$ERR" "'SIGNO' is not a signal"
}

test_stop_kills_after_its_time() {
    prepare
    b run -d --name="$ID-deaf" --stop-timeout=1s -D "$ROOT" /bin/sh -c 'trap "touch /asked" TERM; touch /ready; while :; do sleep 0.1; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    expect_rc 0 b stop "$ID-deaf"
    [[ -e $ROOT/asked ]] || fail 'it was not asked first'
    expect_rc 0 b wait "$ID-deaf"
    assert_eq "$OUT" 137
    # And the time that the command gives instead of the container's own, which is long.
    b run -d --replace --name="$ID-deaf" --stop-timeout=1h -D "$ROOT" /bin/sh -c 'trap "" TERM; while :; do sleep 0.1; done' >/dev/null
    expect_rc 0 b stop --time=1s "$ID-deaf"
    is_gone "$ID-deaf"
}

test_terminate_is_at_once() {
    prepare
    b run -d --name="$ID-deaf" --stop-timeout=1h -D "$ROOT" /bin/sh -c 'trap "touch /asked" TERM; sleep 1000 & sleep 1000 & wait; sleep 1000' >/dev/null
    local leader
    leader=$(state_field "$ID-deaf" leader)
    expect_rc 0 b terminate "$ID-deaf"
    is_gone "$ID-deaf"
    pid_is_gone "$leader"
    [[ ! -e $ROOT/asked ]] || fail 'it was asked first'
}

test_kill() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'trap "touch /got-usr1" USR1; touch /ready; while :; do sleep 0.1; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    expect_rc 0 b kill --signal=SIGUSR1 "$ID-web"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/got-usr1"
    is_running "$ID-web"
    expect_rc 1 b kill --signal=NOSUCH "$ID-web"
    assert_match "$ERR" "'NOSUCH' is not a signal"
    expect_rc 1 b kill --kill-whom=somebody "$ID-web"
    expect_rc 1 b kill "$ID-none"
    is_running "$ID-web"
    expect_rc 0 b kill -s 9 "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 137
}

test_several_names_at_once() {
    prepare
    start_in_background one
    start_in_background two
    expect_rc 1 b stop "$ID-one" "$ID-none" "$ID-two"
    assert_match "$ERR" "$ID-none"
    is_gone "$ID-one"
    is_gone "$ID-two"
}

# --- Wait -------------------------------------------------------------------------------------------------------------

test_wait_waits() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exit 21' >/dev/null
    "$BERTHCTL" wait "$ID-web" >code &
    local pid=$!
    sleep 0.2
    kill -0 "$pid" || fail 'it did not wait'
    touch "$ROOT/go"
    wait "$pid"
    assert_eq "$(cat code)" 21
    # Later, again:
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 21
    expect_rc 1 b wait "$ID-none"
}

# --- Create, start, rm ------------------------------------------------------------------------------------------------

test_create_writes_a_definition() {
    prepare
    expect_rc 0 b create --name="$ID-web" -D "$ROOT" -e A='b c' -e 'Q="x'\''y' --memory=64M --tmpfs=/scratch \
        --stop-signal=INT -v "$TEST_TMP:/host:ro" /bin/sh -c 'echo "$A $Q" >/tmp/out; sleep 1000' 'last arg'
    local file=$OUT
    [[ -f $file ]] || fail "no file '$file'"
    assert_eq "$(basename "$file")" "$ID-web.container"
    on_exit rm -f "$file"
    assert_match "$(cat "$file")" "\[Container\]"
    assert_match "$(cat "$file")" "Directory=$ROOT"
    assert_eq "$(names_listed)" ''
    assert_eq "$(names_listed --all)" "$ID-web"
    expect_rc 0 b start "$ID-web"
    assert_eq "$OUT" "$ID-web"
    retry_until "$SETTLE_TIMEOUT" test -s "$ROOT/tmp/out"
    assert_eq "$(cat "$ROOT/tmp/out")" "b c \"x'y"
    expect_rc 1 b start "$ID-web"
    assert_match "$ERR" 'already running'
    b stop --time=1 "$ID-web"
    expect_rc 0 b start "$ID-web"
    b stop --time=1 "$ID-web"
    expect_rc 0 b rm "$ID-web"
    [[ ! -e $file ]] || fail 'rm left the definition'
    expect_rc 1 b start "$ID-web"
    assert_match "$ERR" 'no definition'
    assert_removed "$ID-web"
}

test_create_refuses_what_run_would() {
    prepare
    expect_rc 1 b create --name="$ID-bad" -D "$ROOT" --memory=12Q /bin/true
    assert_match "$ERR" '12Q'
    expect_rc 1 b create --name="$ID-bad" -D "$ROOT"
    expect_rc 1 b create --name="../$ID-bad" -D "$ROOT" /bin/true
    expect_rc 0 b create --name="$ID-good" -D "$ROOT" /bin/true
    on_exit rm -f "$OUT"
    expect_rc 1 b create --name="$ID-good" -D "$ROOT" /bin/true
    assert_match "$ERR" 'exists already'
    assert_match "$ERR" '--replace'
    expect_rc 0 b create --replace --name="$ID-good" -D "$ROOT" /bin/false
    expect_rc 0 b rm "$ID-good"
    assert_eq "$(names_listed --all)" ''
}

definition() { # NAME, the text on standard input
    local directory=${BERTH_CONFIG_DIR:-/etc/berth}
    mkdir -p "$directory"
    cat >"$directory/$1.container"
    on_exit rm -f "$directory/$1.container"
}

test_definition_written_by_hand() {
    prepare
    definition "$ID-web" <<TEXT
# a comment
[Unit]
Description=Something of systemd's own
[Container]
Directory=$ROOT
HostName=by-hand
[Process]
Exec=/bin/sh -c "hostname >/tmp/out; echo \$A >>/tmp/out"
Environment=A=one "B=two words"
[Resources]
PidsLimit=100
[Install]
WantedBy=multi-user.target
TEXT
    expect_rc 0 b start "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 0
    assert_eq "$(cat "$ROOT/tmp/out")" $'by-hand\none'
}

test_definition_with_mistakes() {
    prepare
    definition "$ID-web" <<TEXT
[Container]
Directory=$ROOT
HostNam=typo
TEXT
    expect_rc 1 b start "$ID-web"
    assert_match "$ERR" "$ID-web.container:3"
    assert_match "$ERR" "HostNam"
    assert_match "$ERR" "did you mean 'HostName"
    definition "$ID-web" <<TEXT
[Container]
Directory=$ROOT
[Resources]
Memory=12Q
[Process]
Exec=/bin/true
TEXT
    expect_rc 1 b start "$ID-web"
    assert_match "$ERR" "$ID-web.container:4.*'12Q'"
    printf '[Container\n' | definition "$ID-web"
    expect_rc 1 b start "$ID-web"
    printf '[Contaner]\nImage=x\n' | definition "$ID-web"
    expect_rc 1 b start "$ID-web"
    assert_match "$ERR" 'Contaner'
    printf 'Image=x\n' | definition "$ID-web"
    expect_rc 1 b start "$ID-web"
    printf '[Container]\nImage\n\0\377\n' | definition "$ID-web"
    expect_rc 1 b start "$ID-web"
    assert_printable "$ERR_FILE"
    assert_no_trace "$ID-web"
}

test_replace() {
    prepare
    start_in_background web
    local leader
    leader=$(state_field "$ID-web" leader)
    expect_rc 125 b run -d --name="$ID-web" -D "$ROOT" /bin/sleep 1000
    expect_rc 0 b run -d --replace --name="$ID-web" -D "$ROOT" /bin/sleep 1000
    pid_is_gone "$leader" || fail 'the old one goes on'
    assert_ne "$(state_field "$ID-web" leader)" "$leader"
    b terminate "$ID-web"
}

test_rm() {
    prepare
    start_in_background web
    expect_rc 1 b rm "$ID-web"
    assert_match "$ERR" 'is running'
    assert_match "$ERR" '--force'
    expect_rc 0 b rm --force "$ID-web"
    assert_removed "$ID-web"
    expect_rc 1 b rm "$ID-web"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b rm '../etc'
}

test_rm_option_leaves_nothing() {
    prepare
    expect_rc 0 b run --rm --name="$ID" -D "$ROOT" /bin/true
    assert_removed "$ID"
    expect_rc 0 b run -d --rm --name="$ID" -D "$ROOT" /bin/sh -c 'exit 3'
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID"
    assert_no_trace "$ID"
    assert_eq "$(names_listed --all)" ''
}

test_stopped_container_can_be_started_again() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'echo run >>/runs' >/dev/null
    expect_rc 0 b wait "$ID-web"
    expect_rc 0 b start "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$(cat "$ROOT/runs")" $'run\nrun'
    expect_rc 0 b rm "$ID-web"
}

# --- Logs -------------------------------------------------------------------------------------------------------------

test_log_file() {
    prepare
    b run -d --log-driver=file --name="$ID-log" -D "$ROOT" /bin/sh -c 'echo one; echo two >&2; printf "no newline"' >/dev/null
    expect_rc 0 b wait "$ID-log"
    local log=$BERTH_RUN/logs/$ID-log
    assert_match "$(cat "$log")" 'Z stdout F one'
    assert_match "$(cat "$log")" 'Z stderr F two'
    assert_match "$(cat "$log")" 'Z stdout F no newline'
    assert_eq "$(stat -c %a "$log")" 600
    expect_rc 0 b rm "$ID-log"
    [[ ! -e $log ]] || fail 'rm left the log'
}

test_long_and_binary_lines_in_the_log_file() {
    prepare
    b run -d --log-driver=file --name="$ID-log" -D "$ROOT" \
        /bin/sh -c 'head -c 100000 /dev/zero | tr "\0" x; echo; printf "a\0b\377c\n"; i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done' >/dev/null
    expect_rc 0 b wait "$ID-log"
    python3 - "$BERTH_RUN/logs/$ID-log" <<'PYTHON'
import sys
lines, line = [], b''
for record in open(sys.argv[1], 'rb').read().split(b'\n')[:-1]:
    time, stream, tag, text = record.split(b' ', 3)
    assert tag in (b'F', b'P') and stream == b'stdout'
    line += text
    if tag == b'F':
        lines.append(line)
        line = b''
assert lines[0] == b'x' * 100000, (len(lines[0]), lines[0][:20])
assert lines[1] == b'a\0b\377c', lines[1]
assert lines[2:] == [b'%d' % i for i in range(2000)]
PYTHON
}

test_log_driver_none() {
    prepare
    b run -d --log-driver=none --name="$ID-log" -D "$ROOT" /bin/sh -c 'echo lost; link=$(readlink /proc/1/fd/1); echo "$link" >/out' >/dev/null
    expect_rc 0 b wait "$ID-log"
    assert_match "$(cat "$ROOT/out")" '/dev/null'
    [[ ! -e $BERTH_RUN/logs/$ID-log ]] || fail 'there is a log'
    expect_rc 125 b run --log-driver=syslog --name="$ID" -D "$ROOT" /bin/true
}

run_tests
