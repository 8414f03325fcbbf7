#!/bin/bash
# hosts: host vm
# `berthctl run`: what the payload gets as its process, and what comes back from it.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# --- Exit codes -------------------------------------------------------------------------------------------------------

test_exit_code_is_the_payloads() {
    prepare
    local code
    for code in 0 1 2 42 124 125 255; do
        expect_rc "$code" sh_in "exit $code"
    done
    assert_no_trace "$ID"
}

test_exit_code_of_signals() {
    prepare
    # PID 1 is immune to its own signals, so the death is that of a program below --init, or sent from outside.
    local signal
    for signal in 9 11 15; do
        expect_rc $((128 + signal)) sh_in "kill -$signal \$\$" --init
    done
    start_in_background killed --stop-timeout=1
    b kill --signal=KILL "$ID-killed"
    expect_rc 0 b wait "$ID-killed"
    assert_eq "$OUT" 137
}

test_127_when_there_is_no_such_program() {
    prepare
    expect_rc 127 run_in /no/such/program
    assert_match "$ERR" "/no/such/program.*is not in the container"
    assert_match "$ERR" 'exec'
    expect_rc 127 run_in no-such-program
    expect_rc 127 run_in ''
    assert_no_trace "$ID"
}

test_126_when_it_cannot_be_run() {
    prepare
    install -m 644 /dev/null "$ROOT/not-executable"
    expect_rc 126 run_in /not-executable
    assert_match "$ERR" 'not executable'
    expect_rc 126 run_in /etc
    printf 'garbage\1\2\3' >"$ROOT/garbage"
    chmod 755 "$ROOT/garbage"
    expect_rc 126 run_in /garbage
    assert_match "$ERR" 'executable format'
    # A script whose interpreter is missing cannot be found, as the shell has it.
    printf '#!/no/interpreter\n' >"$ROOT/script"
    chmod 755 "$ROOT/script"
    expect_rc 127 run_in /script
    assert_no_trace "$ID"
}

test_125_when_berth_fails() {
    prepare
    expect_rc 125 b run --name="$ID" -D "$TEST_TMP/no-such-directory" /bin/true
    assert_match "$ERR" 'no-such-directory.*No such file'
    expect_rc 125 b run --name="$ID" -D "$ROOT/etc/passwd" /bin/true
    expect_rc 125 b run --name="$ID"
    expect_rc 125 run_in
    assert_no_trace "$ID"
}

# --- Command, environment, directory ----------------------------------------------------------------------------------

test_arguments_arrive_unchanged() {
    prepare
    expect_rc 0 run_in /bin/sh -c 'for a; do printf "<%s>" "$a"; done' - 'a b' '' '*' $'x\ny' -- --help '$HOME' "'"
    assert_eq "$OUT" $'<a b><><*><x\ny><--><--help><$HOME><\'>'
}

test_program_is_searched_in_path() {
    prepare
    expect_rc 0 run_in echo found
    assert_eq "$OUT" found
    mkdir "$ROOT/opt"
    printf '#!/bin/sh\necho mine\n' >"$ROOT/opt/echo"
    chmod 755 "$ROOT/opt/echo"
    expect_rc 0 run_in -e PATH=/opt:/bin echo
    assert_eq "$OUT" mine
    # Not in the working directory, which an image may have chosen.
    expect_rc 0 run_in -e PATH=:.:/bin -w /opt echo search
    assert_eq "$OUT" search
}

test_entrypoint() {
    prepare
    expect_rc 0 run_in --entrypoint '/bin/echo -n one' two three
    assert_eq "$OUT" 'one two three'
    expect_rc 0 run_in --entrypoint '' /bin/echo plain
    assert_eq "$OUT" plain
    expect_rc 125 run_in --entrypoint '"open' /bin/true
    assert_match "$ERR" 'open quote'
}

test_environment() {
    prepare
    printf '# comment\nFROM_FILE=file\nBOTH=file\nCOPIED\n\nSPACES=a b  c\n' >vars
    COPIED=copied HOST_SECRET=secret expect_rc 0 run_in -e ONE=1 --env TWO= -E BOTH=option -e COPIED \
        -e NOT_SET_AT_ALL --env-file vars env
    assert_match "$OUT" $'(^|\n)ONE=1(\n|$)'
    assert_match "$OUT" $'(^|\n)TWO=(\n|$)'
    assert_match "$OUT" $'(^|\n)FROM_FILE=file(\n|$)'
    assert_match "$OUT" $'(^|\n)BOTH=option(\n|$)'
    assert_match "$OUT" $'(^|\n)COPIED=copied(\n|$)'
    assert_match "$OUT" $'(^|\n)SPACES=a b  c(\n|$)'
    assert_match "$OUT" $'(^|\n)PATH=/usr/local/sbin:'
    assert_match "$OUT" $'(^|\n)HOME=/root(\n|$)'
    assert_match "$OUT" $'(^|\n)container=berth(\n|$)'
    assert_no_match "$OUT" 'NOT_SET_AT_ALL'
    assert_no_match "$OUT" 'HOST_SECRET'
    assert_eq "$(grep -c '^BOTH=' <<<"$OUT")" 1
}

test_environment_refuses() {
    prepare
    expect_rc 125 run_in --env-file "$TEST_TMP/missing" /bin/true
    assert_match "$ERR" 'missing.*No such file'
    printf 'GOOD=1\n=nothing\n' >vars
    expect_rc 125 run_in --env-file vars /bin/true
    assert_match "$ERR" 'vars:2'
    expect_rc 125 run_in -e =value /bin/true
    expect_rc 125 run_in --env-file / /bin/true
    assert_no_trace "$ID"
}

# A13: each container's environment is made from nothing.
test_environment_does_not_leak_between_containers() {
    prepare
    local names=(one two) name
    for name in "${names[@]}"; do
        start_in_background "$name" -e "ONLY_$name=yes"
    done
    for name in "${names[@]}"; do
        HOST_SECRET=secret expect_rc 0 b exec "$ID-$name" env
        assert_eq "$(grep -o 'ONLY_[a-z]*' <<<"$OUT")" "ONLY_$name"
        assert_no_match "$OUT" HOST_SECRET
    done
}

test_working_directory() {
    prepare
    mkdir -p "$ROOT/some/where"
    expect_rc 0 run_in -w /some/where /bin/pwd
    assert_eq "$OUT" /some/where
    expect_rc 0 run_in /bin/pwd
    assert_eq "$OUT" /
    ln -s some "$ROOT/link"
    expect_rc 0 run_in -w /link/where/ /bin/pwd -P
    assert_eq "$OUT" /some/where
    expect_rc 125 run_in -w /some/../etc /bin/true
    expect_rc 125 run_in -w /no/where /bin/true
    assert_match "$ERR" '/no/where'
    expect_rc 125 run_in -w /etc/passwd /bin/true
    expect_rc 125 run_in -w relative /bin/true
    assert_match "$ERR" 'relative'
    [[ ! -e $ROOT/no ]] || fail 'a directory tree of the host was filled'
}

test_hostname() {
    prepare
    expect_rc 0 run_in --hostname=some.host /bin/hostname
    assert_eq "$OUT" some.host
    expect_rc 0 run_in /bin/hostname
    assert_eq "$OUT" "$ID"
    local before
    before=$(hostname)
    expect_rc 125 run_in --hostname='no host!' /bin/true
    expect_rc 125 run_in --hostname="$(printf '%065d' 0)" /bin/true
    assert_eq "$(hostname)" "$before"
}

# --- User -------------------------------------------------------------------------------------------------------------

ids() { run_in "$@" /bin/sh -c 'echo "$(id -u) $(id -g) $(id -G)"'; }

test_user_by_name_and_number() {
    prepare
    printf 'wheel:x:10:user,other\nmany:x:11:user\n' >>"$ROOT/etc/group"
    printf '1001:x:5000:5001:numeric name:/:/bin/sh\n' >>"$ROOT/etc/passwd"
    expect_rc 0 ids
    assert_eq "$OUT" '0 0 0'
    expect_rc 0 ids -u user
    assert_eq "$OUT" '1000 1000 1000 10 11'
    expect_rc 0 ids -u 1000
    assert_eq "$OUT" '1000 1000 1000 10 11'
    expect_rc 0 ids -u user:daemon
    assert_eq "$OUT" '1000 1 1'
    expect_rc 0 ids -u 4000
    assert_eq "$OUT" '4000 0 0'
    expect_rc 0 ids -u 4000:4001
    assert_eq "$OUT" '4000 4001 4001'
    expect_rc 0 ids -u :wheel
    assert_eq "$OUT" '0 10 10'
    # D12: a number is a number, whoever is called so.
    expect_rc 0 ids -u 1001
    assert_eq "$OUT" '1001 0 0'
    expect_rc 0 ids --userns=host -u 4294967294:4294967294
    assert_eq "$OUT" '4294967294 4294967294 4294967294'
}

test_user_refuses() {
    prepare
    local user
    for user in nouser user:nogroupsuch 4294967295 4294967296 18446744073709551616 0:4294967296 -1 0x0 ' 0' '1 ' 1: user: a:b:c; do
        expect_rc 125 run_in "--user=$user" /bin/echo ran
        assert_eq "$OUT" ''
        assert_match "$ERR" 'user'
    done
    rm "$ROOT/etc/passwd" "$ROOT/etc/group"
    expect_rc 125 run_in -u user /bin/true
    expect_rc 0 ids -u 1000
    assert_eq "$OUT" '1000 0 0'
    assert_no_trace "$ID"
}

test_home_of_the_user() {
    prepare
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 run_in -u user /bin/sh -c 'echo $HOME'
    assert_eq "$OUT" /home
    # shellcheck disable=SC2016
    expect_rc 0 run_in -u user -e HOME=/mine /bin/sh -c 'echo $HOME'
    assert_eq "$OUT" /mine
}

# C8, D11: the container's account files are hostile.
test_user_with_hostile_account_files() {
    prepare
    rm "$ROOT/etc/passwd"
    mkfifo "$ROOT/etc/passwd"
    expect_rc 125 run_in -u user /bin/true
    expect_rc 0 run_in -u 1000 /bin/true
    rm "$ROOT/etc/passwd"
    mkdir "$ROOT/etc/passwd"
    expect_rc 125 run_in -u user /bin/true
    rmdir "$ROOT/etc/passwd"
    ln -s /proc/self/mem "$ROOT/etc/passwd"
    expect_rc 125 run_in -u user /bin/true
    rm "$ROOT/etc/passwd"
    ln -s ../../../../../../etc/passwd "$ROOT/etc/passwd"
    expect_rc 125 run_in -u user /bin/true
    rm "$ROOT/etc/passwd"
    truncate -s 4G "$ROOT/etc/passwd"
    expect_rc 125 run_in -u user /bin/true
    assert_match "$ERR" 'larger than 4 MiB'
    expect_rc 0 run_in /bin/true
    printf 'user:x:1000\nuser\n:::::\nuser:x:99999999999:1:::\nuser:x:-1:-1:a:/:\nuser:x:7:8::/:\n' | tr '\n' '\n' >"$TEST_TMP/passwd"
    truncate -s 0 "$ROOT/etc/passwd"
    cat "$TEST_TMP/passwd" >"$ROOT/etc/passwd"
    expect_rc 0 ids -u user
    assert_eq "$OUT" '7 8 8'
}

# --- Names ------------------------------------------------------------------------------------------------------------

test_name_in_use() {
    prepare
    start_in_background web
    expect_rc 125 b run --name="$ID-web" -D "$ROOT" /bin/true
    assert_match "$ERR" "'$ID-web'"
    assert_match "$ERR" 'already|exists'
    is_running "$ID-web" || fail 'the first one suffered'
    b stop "$ID-web"
}

test_bad_names() {
    prepare
    local name
    for name in '' . .. ../x a/b '.hidden' 'sp ace' $'new\nline' $'esc\033[31m' 'ü' "$(printf '%0300d' 0)"; do
        expect_rc 125 b run "--name=$name" -D "$ROOT" /bin/true
        assert_match "$ERR" 'name'
        assert_printable "$ERR_FILE"
    done
    expect_rc 0 b run --name="$ID-A_z.9" -D "$ROOT" /bin/true
}

test_default_name_is_the_directorys() {
    prepare
    mv "$ROOT" "$TEST_TMP/$ID"
    expect_rc 0 b run -D "$TEST_TMP/$ID/." /bin/hostname
    assert_eq "$OUT" "$ID"
}

# --- Limits, capabilities, sysctls ------------------------------------------------------------------------------------

test_ulimit() {
    prepare
    expect_rc 0 sh_in 'ulimit -Sn; ulimit -Hn; ulimit -Sc' --ulimit nofile=64:128 --ulimit core=0
    assert_eq "$OUT" $'64\n128\n0'
    expect_rc 125 run_in --ulimit nofile=2:1 /bin/true
    expect_rc 125 run_in --ulimit nofiles=1 /bin/true
    assert_match "$ERR" "did you mean 'nofile'"
    expect_rc 125 run_in --ulimit nofile=many /bin/true
    expect_rc 125 run_in --ulimit nofile /bin/true
    assert_no_trace "$ID"
}

test_oom_score_adjust() {
    prepare
    expect_rc 0 run_in --oom-score-adjust=500 /bin/cat /proc/self/oom_score_adj
    assert_eq "$OUT" 500
    expect_rc 125 run_in --oom-score-adjust=1001 /bin/true
    expect_rc 125 run_in --oom-score-adjust=x /bin/true
}

bounding() { sh_in 'sed -n "s/^CapBnd:\t//p" /proc/self/status' "$@"; }

test_capabilities() {
    prepare
    expect_rc 0 bounding
    assert_eq "$OUT" 00000000800405fb
    expect_rc 0 bounding --cap-add=NET_RAW
    assert_eq "$OUT" 00000000800425fb
    expect_rc 0 bounding --cap-add=cap_net_raw --cap-drop CHOWN
    assert_eq "$OUT" 00000000800425fa
    expect_rc 0 bounding --cap-drop=ALL
    assert_eq "$OUT" 0000000000000000
    expect_rc 0 bounding --cap-add=KILL --cap-drop=ALL
    assert_eq "$OUT" 0000000000000020
    expect_rc 125 run_in --cap-add=NET_ROW /bin/true
    assert_match "$ERR" "did you mean 'NET_RAW'"
    expect_rc 125 run_in --cap-drop='' /bin/true
}

test_no_new_privileges() {
    prepare
    expect_rc 0 sh_in 'grep NoNewPrivs /proc/self/status'
    assert_eq "$OUT" $'NoNewPrivs:\t1'
    expect_rc 0 sh_in 'grep NoNewPrivs /proc/self/status' --no-new-privileges=no
    assert_eq "$OUT" $'NoNewPrivs:\t0'
    # And what it means: a setuid program gains something only without it.
    install_helper probe
    chmod 4755 "$ROOT/bin/probe"
    expect_rc 0 run_in -u 1000:1000 /bin/probe
    assert_eq "$(json "$OUT_FILE" 'd["uids"]')" '[1000, 1000, 1000]'
    expect_rc 0 run_in -u 1000:1000 --no-new-privileges=no /bin/probe
    # Unless the file system that the tree is on does not let it be: that holds inside too.
    if [[ $(findmnt --noheadings --output OPTIONS --target "$ROOT") == *nosuid* ]]; then
        assert_eq "$(json "$OUT_FILE" 'd["uids"]')" '[1000, 1000, 1000]'
    else
        assert_eq "$(json "$OUT_FILE" 'd["uids"]')" '[1000, 0, 0]'
    fi
    expect_rc 125 run_in --no-new-privileges=perhaps /bin/true
}

test_sysctl() {
    prepare
    local before
    before=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax)
    expect_rc 0 run_in --sysctl net.ipv4.ip_unprivileged_port_start=1000 --sysctl kernel.msgmax=4096 \
        /bin/cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax
    assert_eq "$OUT" $'1000\n4096'
    assert_eq "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax)" "$before"
    expect_rc 125 run_in --sysctl net.no.such=1 /bin/true
    assert_match "$ERR" 'net.no.such'
    assert_no_trace "$ID"
}

# --- Standard input and output ----------------------------------------------------------------------------------------

with_input() { # TEXT COMMAND...
    local text=$1
    shift
    printf '%s' "$text" | "$@"
}

test_stdin_only_when_interactive() {
    prepare
    expect_rc 0 with_input hello run_in -i /bin/cat
    assert_eq "$OUT" hello
    expect_rc 0 with_input hello run_in /bin/cat
    assert_eq "$OUT" ''
}

test_streams_are_binary_and_apart() {
    prepare
    head -c 300000 /dev/urandom >data
    copy() { run_in -i /bin/sh -c 'tee /dev/stderr' <data; }
    expect_rc 0 copy
    cmp data "$OUT_FILE"
    cmp data "$ERR_FILE"
}

test_terminal_is_a_fresh_one() {
    prepare
    expect_rc 7 "$HELPERS/on-tty" --size=97x31 -- "$BERTHCTL" run --name="$ID" -D "$ROOT" -i -t \
        /bin/sh -c 'stty size; tty; test -c /dev/console && echo has console; echo error >&2; exit 7'
    assert_eq "$(tr -d '\r' <"$OUT_FILE")" $'31 97\n/dev/pts/0\nhas console\nerror'
}

test_terminal_passes_keys() {
    prepare
    # Ctrl-C reaches the payload's terminal, where it is a signal, and not berthctl.
    expect_rc 130 "$HELPERS/on-tty" --expect ready --send '\x03' -- "$BERTHCTL" run --name="$ID" -D "$ROOT" -it \
        /bin/sh -c 'trap "exit 130" INT; echo ready; while :; do sleep 0.1; done'
    expect_rc 0 "$HELPERS/on-tty" --expect name --send 'berth\n' -- "$BERTHCTL" run --name="$ID" -D "$ROOT" -it \
        /bin/sh -c 'printf "name?"; read -r name; echo "hello $name"'
    assert_match "$OUT" 'hello berth'
}

test_terminal_settings_are_restored() {
    prepare
    # Also when berthctl is told to end, and when it is the container that is killed under it.
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 "$HELPERS/on-tty" -- /bin/bash -c '
        before=$(stty -g)
        "$0" run --name="$2" -D "$1" -it /bin/sh -c "stty raw -echo; exit 3"
        "$0" run --name="$2" -D "$1" -it /bin/sh -c "stty raw; kill -9 -1; sleep 0.1" --init
        [[ $(stty -g) == "$before" ]] && echo same' "$BERTHCTL" "$ROOT" "$ID"
    assert_match "$OUT" same
}

# E6: without -t, the caller's terminal is out of reach.
test_no_terminal_of_the_callers() {
    prepare
    install_helper probe
    expect_rc 0 "$HELPERS/on-tty" -- /bin/bash -c '"$0" run --name="$3" -D "$1" -i /bin/probe >"$2"' \
        "$BERTHCTL" "$ROOT" "$TEST_TMP/probe.json" "$ID"
    assert_eq "$(json probe.json 'd["tty"]')" ENXIO
    assert_eq "$(json probe.json '[f for f in d["fds"].values() if "/dev/" in f["target"] and "null" not in f["target"]]')" '[]'
}

# R21, A6: closed standard streams are /dev/null inside, not whatever berthctl or the executor opened first.
test_closed_stdio() {
    prepare
    install_helper probe
    local closed
    for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        eval "run_in -i /bin/sh -c 'exec 9>/probe.json; /bin/probe >/out 9>&-; /bin/sh -c \"/bin/probe >&9\"; echo still; echo here >&2' $closed"
        assert_eq "$(json "$ROOT/out" '[fd for fd, f in d["fds"].items() if f["rdev"] == "0:0" and fd not in "1" and f["mode"][0] != "1"]')" '[]'
        assert_eq "$(json "$ROOT/probe.json" '[f for f in d["fds"].values() if f["mode"][0] == "4" or "/run/" in f["target"]]')" '[]'
    done
    assert_eq "$(json "$ROOT/probe.json" 'd["fds"]["0"]["rdev"] + " " + d["fds"]["2"]["rdev"]')" '1:3 1:3'
    expect_rc 3 bash -c '"$0" run --name="$2" -D "$1" /bin/sh -c "exit 3" <&- >&- 2>&-' "$BERTHCTL" "$ROOT" "$ID"
}

# A6: a directory of the host as a standard stream would be a way out (openat(0, "..")).
test_directory_as_stdio() {
    prepare
    install_helper probe
    run_in -i /bin/sh -c '/bin/probe >/probe.json' </etc 2</etc
    assert_eq "$(json "$ROOT/probe.json" 'd["fds"]["0"]["rdev"] + " " + d["fds"]["2"]["rdev"]')" '1:3 1:3'
}

test_sigchld_ignored_by_the_caller() {
    prepare
    expect_rc 5 bash -c 'trap "" CHLD; exec "$0" run --name="$2" -D "$1" /bin/sh -c "exit 5"' "$BERTHCTL" "$ROOT" "$ID"
    install_helper probe
    expect_rc 0 bash -c 'trap "" CHLD HUP USR1 PIPE; exec "$0" run --name="$2" -D "$1" /bin/probe' "$BERTHCTL" "$ROOT" "$ID"
    # 32 and 33 are the C library's own: no program of ours can or does change them.
    assert_eq "$(json "$OUT_FILE" 'int(d["status"]["SigIgn"], 16) & ~0x180000000')" 0
    assert_eq "$(json "$OUT_FILE" 'd["status"]["SigBlk"]')" 0000000000000000
}

test_callers_umask_does_not_matter() {
    prepare
    install_helper probe
    local mask
    for mask in 0 077 0777; do
        expect_rc 0 bash -c "umask $mask;"'exec "$0" run --name="$2" -D "$1" --tmpfs=/made /bin/sh -c \
            "stat -c %a /dev /dev/null /dev/shm /made; /bin/probe | grep -o umask....0[0-9]*"' "$BERTHCTL" "$ROOT" "$ID"
        assert_match "$OUT" $'^755\n666\n1777\n'
        assert_match "$OUT" 'umask": "0022'
    done
}

# A2: nothing that the caller had open is seen inside, however it got there.
test_inherited_files_are_not_seen() {
    prepare
    install_helper probe
    mkdir canary
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 bash -c '
        for i in {10..30}; do eval "exec $i<\"$3/canary\""; done
        exec "$0" run --name="$2" -D "$1" /bin/probe' "$BERTHCTL" "$ROOT" "$ID" "$TEST_TMP"
    assert_eq "$(json "$OUT_FILE" 'sorted(d["fds"])')" '["0", "1", "2"]'
    local fd
    for fd in {3..40}; do
        expect_rc 125 bash -c '
            for i in {10..30}; do eval "exec $i<\"$4/canary\""; done
            exec "$0" run --name="$2" -D "$1" -w "/proc/self/fd/$3" /bin/pwd' "$BERTHCTL" "$ROOT" "$ID" "$fd" "$TEST_TMP"
        assert_eq "$OUT" ''
    done
}

# --- Init -------------------------------------------------------------------------------------------------------------

test_init_reaps() {
    prepare
    # An orphan becomes PID 1's child; the reaper takes it, a shell that is PID 1 and busy does not.
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 run_in --init /bin/sh -c '
        orphan=$(sh -c "sleep 0.3 >/dev/null & echo \$!")
        grep "^PPid" /proc/$orphan/status
        i=0
        while [ $i -lt 50 ] && [ -e /proc/$orphan ]; do sleep 0.1; i=$((i + 1)); done
        [ ! -e /proc/$orphan ] || grep "^State" /proc/$orphan/status
        cat /proc/1/comm; echo $$'
    assert_eq "$OUT" $'PPid:\t1\nberth-init\n2'
}

test_init_forwards_signals() {
    prepare
    b run -d --init --name="$ID-init" -D "$ROOT" /bin/sh -c 'trap "exit 23" TERM; touch /ready; while :; do sleep 0.1; done'
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    b stop "$ID-init"
    expect_rc 0 b wait "$ID-init"
    assert_eq "$OUT" 23
}

# --- Signals to berthctl ----------------------------------------------------------------------------------------------

test_signals_to_berthctl_reach_the_payload() {
    prepare
    local pid status=0
    "$BERTHCTL" run --name="$ID" -D "$ROOT" /bin/sh -c 'trap "echo got it; exit 9" USR1; touch /ready; while :; do sleep 0.1; done' >out &
    pid=$!
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    kill -USR1 "$pid"
    wait "$pid" || status=$?
    assert_eq "$status" 9
    assert_eq "$(cat out)" 'got it'
}

test_timeout_start() {
    prepare
    expect_rc 125 run_in --timeout-start=soon /bin/true
    assert_match "$ERR" "'soon' is not a time span"
    expect_rc 0 run_in --timeout-start=60s /bin/true
}

run_tests
