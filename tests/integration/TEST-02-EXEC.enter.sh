#!/bin/bash
# hosts: host vm
# `berthctl exec`, `shell` and `attach`: into a running container and back.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

with_input() { # TEXT COMMAND...
    local text=$1
    shift
    printf '%s' "$text" | "$@"
}

test_exit_codes() {
    prepare
    start_in_background x
    local code
    for code in 0 1 42 255; do
        expect_rc "$code" b exec "$ID-x" /bin/sh -c "exit $code"
    done
    expect_rc 137 b exec "$ID-x" /bin/sh -c 'kill -9 $$'
    expect_rc 127 b exec "$ID-x" /no/such
    assert_match "$ERR" '/no/such'
    expect_rc 126 b exec "$ID-x" /etc/passwd
    expect_rc 125 b exec "$ID-none" /bin/true
    assert_match "$ERR" "$ID-none"
    assert_match "$ERR" "did you mean '$ID-x'"
    expect_rc 125 b exec "$ID-x"
    is_running "$ID-x" || fail 'exec ended the container'
}

test_arguments_streams_and_stdin() {
    prepare
    start_in_background x
    expect_rc 0 b exec "$ID-x" /bin/sh -c 'echo out "$@"; echo err >&2' - 'a b' -t --
    assert_eq "$OUT" 'out a b -t --'
    assert_eq "$ERR" err
    expect_rc 0 with_input text b exec -i "$ID-x" /bin/cat
    assert_eq "$OUT" text
    expect_rc 0 with_input text b exec "$ID-x" /bin/cat
    assert_eq "$OUT" ''
}

# All namespaces and the cgroup are those of PID 1; what runs inside is seen there.
test_joins_all_namespaces_and_the_cgroup() {
    prepare
    start_in_background x
    local leader name
    leader=$(state_field "$ID-x" leader)
    b exec "$ID-x" /bin/sh -c 'for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done' >inside
    for name in cgroup ipc mnt net pid time user uts; do readlink "/proc/$leader/ns/$name"; done >outside
    diff outside inside
    b exec "$ID-x" /bin/sh -c 'touch /entered; exec sleep 1000' &
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/entered"
    expect_rc 0 b exec "$ID-x" /bin/sh -c 'grep -l sleep /proc/[0-9]*/comm | wc -l; cat /proc/1/comm'
    # On the host: its cgroup is the payload's.
    local pid
    for pid in $(pgrep -f 'sleep 1000'); do
        [[ $(readlink "/proc/$pid/ns/pid") != "$(readlink "/proc/$leader/ns/pid")" ]] ||
            assert_eq "$(cat "/proc/$pid/cgroup")" "$(cat "/proc/$leader/cgroup")"
    done
    b terminate "$ID-x"
    wait
}

test_user_environment_directory() {
    prepare
    start_in_background x -e FROM_RUN=run -e BOTH=run -w /etc
    expect_rc 0 b exec -e BOTH=exec -e NEW=new "$ID-x" env
    assert_match "$OUT" $'(^|\n)FROM_RUN=run(\n|$)'
    assert_match "$OUT" $'(^|\n)BOTH=exec(\n|$)'
    assert_match "$OUT" $'(^|\n)NEW=new(\n|$)'
    assert_match "$OUT" $'(^|\n)PATH=/usr/local/sbin'
    assert_match "$OUT" $'(^|\n)container=berth(\n|$)'
    assert_eq "$(grep -c '^BOTH=' <<<"$OUT")" 1
    expect_rc 0 b exec "$ID-x" /bin/pwd
    assert_eq "$OUT" /etc
    expect_rc 0 b exec -w /root "$ID-x" /bin/pwd
    assert_eq "$OUT" /root
    expect_rc 125 b exec -w /no/where "$ID-x" /bin/pwd
    expect_rc 0 b exec -u user "$ID-x" /bin/sh -c 'id -u; id -G'
    assert_eq "$OUT" $'1000\n1000'
    expect_rc 125 b exec -u nobody-there "$ID-x" /bin/sh -c id
    assert_match "$ERR" 'nobody-there'
    expect_rc 125 b exec -u 4294967296 "$ID-x" /bin/sh -c id
}

test_takes_the_machines_user() {
    prepare
    start_in_background x -u user
    expect_rc 0 b exec "$ID-x" /bin/sh -c 'id -u'
    assert_eq "$OUT" 1000
    expect_rc 0 b exec -u 0 "$ID-x" /bin/sh -c 'id -u'
    assert_eq "$OUT" 0
}

# What an exec has is what run gave: capabilities, no_new_privs, the filter, no file of ours (A2, A3, E1, E2, E9).
test_has_the_same_confinement() {
    prepare
    install_helper probe
    start_in_background x
    expect_rc 0 b exec "$ID-x" /bin/probe
    assert_eq "$(json "$OUT_FILE" '[d["status"][k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")]')" \
        '["0000000000000000", "00000000800405fb", "00000000800405fb", "00000000800405fb", "0000000000000000", "1", "2"]'
    assert_eq "$(json "$OUT_FILE" 'sorted(d["fds"])')" '["0", "1", "2"]'
    assert_eq "$(json "$OUT_FILE" 'd["groups"]')" '[0]'
    assert_eq "$(json "$OUT_FILE" 'd["cwd"]')" /
    expect_rc 0 b exec -u user "$ID-x" /bin/probe
    assert_eq "$(json "$OUT_FILE" '[d["status"][k] for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")]')" \
        '["0000000000000000", "0000000000000000", "0000000000000000", "0000000000000000"]'
    expect_rc 0 b exec --privileged "$ID-x" /bin/probe
    assert_eq "$(json "$OUT_FILE" '[d["status"][k] for k in ("CapInh", "CapAmb", "Seccomp")]')" '["0000000000000000", "0000000000000000", "0"]'
    # Privileged or not, who is not root has none.
    expect_rc 0 b exec --privileged -u user "$ID-x" /bin/probe
    assert_eq "$(json "$OUT_FILE" '[d["status"][k] for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")]')" \
        '["0000000000000000", "0000000000000000", "0000000000000000", "0000000000000000"]'
}

test_callers_files_are_not_seen() {
    prepare
    install_helper probe
    start_in_background x
    mkdir canary
    expect_rc 0 bash -c 'for i in {3..40}; do eval "exec $i<\"$2/canary\""; done; exec "$0" exec "$1" /bin/probe' \
        "$BERTHCTL" "$ID-x" "$TEST_TMP"
    assert_eq "$(json "$OUT_FILE" 'sorted(d["fds"])')" '["0", "1", "2"]'
    local fd
    for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 20 30 40; do
        expect_rc 125 bash -c 'for i in {3..40}; do eval "exec $i<\"$3/canary\""; done
            exec "$0" exec -w "/proc/self/fd/$2" "$1" /bin/pwd' "$BERTHCTL" "$ID-x" "$fd" "$TEST_TMP"
    done
    # Closed ones are /dev/null.
    b exec "$ID-x" /bin/sh -c '/bin/probe >/probe.json' <&- >&- 2>&-
    assert_eq "$(json "$ROOT/probe.json" 'd["fds"]["0"]["rdev"] + " " + d["fds"]["2"]["rdev"]')" '1:3 1:3'
}

test_keyring_is_not_the_callers() {
    prepare
    install_helper probe
    start_in_background x --seccomp-profile=unconfined
    local mine
    mine=$("$(_helper probe)" | sed -n 's/^"keyring": \(.*\),/\1/p')
    b exec "$ID-x" /bin/probe >exec.json
    run_in --seccomp-profile=unconfined /bin/probe >run.json
    assert_ne "$(json run.json 'd["keyring"]')" "$mine"
    assert_ne "$(json exec.json 'd["keyring"]')" "$mine"
    assert_ne "$(json exec.json 'd["keyring"]')" "$(json run.json 'd["keyring"]')"
    ((mine > 0))
}

test_terminal() {
    prepare
    start_in_background x
    expect_rc 4 "$HELPERS/on-tty" --size=91x33 -- "$BERTHCTL" exec -it "$ID-x" /bin/sh -c 'stty size; tty; echo >/dev/tty; exit 4'
    assert_eq "$(tr -d '\r' <"$OUT_FILE")" $'33 91\n/dev/pts/0'
    expect_rc 0 "$HELPERS/on-tty" --expect '# ' --send 'echo $((40 + 2)); exit\n' --expect 42 -- "$BERTHCTL" shell "$ID-x"
}

test_shell() {
    prepare
    start_in_background x
    expect_rc 6 with_input 'echo from shell; exit 6' b shell "$ID-x"
    assert_eq "$OUT" 'from shell'
    expect_rc 0 b shell "$ID-x" /bin/echo words
    assert_eq "$OUT" words
    rm "$ROOT/bin/sh"
    expect_rc 127 b shell "$ID-x"
}

test_signals_reach_the_command() {
    prepare
    start_in_background x
    local pid status=0
    "$BERTHCTL" exec "$ID-x" /bin/sh -c 'trap "exit 9" TERM; touch /ready; while :; do sleep 0.1; done' &
    pid=$!
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    kill -TERM "$pid"
    wait "$pid" || status=$?
    assert_eq "$status" 9
}

test_detached() {
    prepare
    start_in_background x
    expect_rc 0 b exec -d "$ID-x" /bin/sh -c 'sleep 0.2; touch /done'
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/done"
    expect_rc 127 b exec -d "$ID-x" /no/such
}

test_container_without_any_tools() {
    prepare
    install_helper probe
    rm -rf "${ROOT:?}/usr" "${ROOT:?}/etc"
    find "$ROOT/bin" -type l -delete
    mv "$ROOT/bin/probe" "$ROOT/probe"
    mv "$ROOT/bin/busybox" "$ROOT/busybox"
    b run -d --name="$ID-bare" -D "$ROOT" /busybox sleep 1000 >/dev/null
    expect_rc 0 b exec "$ID-bare" /probe
    assert_eq "$(json "$OUT_FILE" 'd["ppid"]')" 0
}

test_ends_with_the_container() {
    prepare
    start_in_background x
    local pid status=0
    "$BERTHCTL" exec "$ID-x" /bin/sh -c 'touch /ready; sleep 1000' &
    pid=$!
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    b terminate "$ID-x"
    wait "$pid" || status=$?
    assert_eq "$status" 137
}

test_cannot_enter_what_has_ended() {
    prepare
    start_in_background x
    b stop "$ID-x"
    expect_rc 125 b exec "$ID-x" /bin/true
    expect_rc 125 b shell "$ID-x" /bin/true
    expect_rc 1 b attach "$ID-x"
}

# --- The way in is not a way out --------------------------------------------------------------------------------------

# A1: nobody inside can write the program that ours run from. With CAP_SYS_PTRACE, so that only the mount protects it.
test_executor_cannot_be_overwritten() {
    prepare
    install_helper probe
    local program before
    before=$(executor_hash)
    expect_rc 0 run_in --init --cap-add=SYS_PTRACE /bin/probe exe 1
    assert_no_match "$OUT" OK
    expect_rc 0 run_in --init /bin/probe exe 1
    assert_no_match "$OUT" OK
    # PID 1's program on a read-only mount, or a sealed memfd: looked at from the host, where all permissions are given.
    b run -d --init --name="$ID-init" -D "$ROOT" /bin/sleep 1000 >/dev/null
    for program in leader supervisor; do
        expect_rc 0 python3 -c '
import fcntl, os, sys
fd = os.open("/proc/%s/exe" % sys.argv[1], os.O_RDONLY)
read_only = os.fstatvfs(fd).f_flag & os.ST_RDONLY
try:
    sealed = fcntl.fcntl(fd, 1034) & 0xf == 0xf
except OSError:
    sealed = False
print("protected" if read_only or sealed else "open")' "$(state_field "$ID-init" "$program")"
        assert_eq "$OUT" protected
    done
    assert_eq "$(executor_hash)" "$before"
}

executor_hash() {
    local name=${BERTH_EXECUTOR:-/usr/libexec/berth/berth-executor}
    sha256sum "$name" "$(dirname "$BERTHCTL")/../executor/berth-executor" 2>/dev/null || true
}

# A4: PID 1 looks for a moment in which what enters is not yet confined and can be got at.
test_nobody_gets_at_what_enters() {
    prepare
    install_helper probe
    b run -d --name="$ID-spy" -D "$ROOT" --log-driver=none /bin/sh -c '/bin/probe spy /enough >/result; touch /finished; sleep 1000' >/dev/null
    local i
    for ((i = 0; i < 40; i++)); do
        b exec "$ID-spy" /bin/true
    done
    touch "$ROOT/enough"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/finished"
    assert_match "$(cat "$ROOT/result")" 'caught 0$'
}

# --- Attach -----------------------------------------------------------------------------------------------------------

test_attach_to_output() {
    prepare
    b run -d --name="$ID-out" -D "$ROOT" /bin/sh -c 'while [ ! -e /go ]; do echo tick; sleep 0.1; done; echo output; echo error >&2; exit 8' >/dev/null
    local pid status=0
    "$BERTHCTL" attach "$ID-out" >out 2>err &
    pid=$!
    retry_until "$SETTLE_TIMEOUT" test -s out # until it is connected: what was written before is in the log only
    touch "$ROOT/go"
    wait "$pid" || status=$?
    assert_eq "$status" 8
    assert_eq "$(sort -u out)" $'output\ntick'
    assert_eq "$(cat err)" error
}

test_attach_to_terminal_and_detach() {
    prepare
    b run -dt --name="$ID-tty" -D "$ROOT" --log-driver=file \
        /bin/sh -c 'while read -r line; do [ "$line" = quit ] && exit 11; echo "<$line>"; done' >/dev/null
    expect_rc 0 "$HELPERS/on-tty" --send 'one\n' --expect '<one>' --send '\x10\x11' -- "$BERTHCTL" attach "$ID-tty"
    assert_match "$OUT$ERR" 'detached'
    is_running "$ID-tty" || fail 'detaching ended the container'
    expect_rc 11 "$HELPERS/on-tty" --send 'two\n' --expect '<two>' --send 'quit\n' -- "$BERTHCTL" attach "$ID-tty"
}

# G2: a killed client leaves the container alone, and one that does not read does not hold it up.
test_attached_client_that_does_not_read() {
    prepare
    b run -d --name="$ID-flood" -D "$ROOT" --log-driver=file \
        /bin/sh -c 'while [ ! -e /go ]; do echo tick; sleep 0.1; done; i=0; while [ $i -lt 3000 ]; do echo "line $i is quite a long one, to fill what there is to fill"; i=$((i + 1)); done; touch /written; sleep 1000' >/dev/null
    "$BERTHCTL" attach "$ID-flood" >out &
    local pid=$!
    retry_until "$SETTLE_TIMEOUT" test -s out
    kill -STOP "$pid"
    touch "$ROOT/go"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/written"
    kill -KILL "$pid"
    wait "$pid" || true
    is_running "$ID-flood" || fail 'the container suffered'
    b terminate "$ID-flood"
}

run_tests
