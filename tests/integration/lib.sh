# shellcheck shell=bash
# What every integration test script has: a runner for its test_* functions, assertions, clean-up. A script looks so:
#
#   #!/bin/bash
#   # hosts: host vm
#   . "$(dirname "$0")/lib.sh"
#   test_something() { assert_eq "$(berthctl --version | cut -d' ' -f1)" berthctl; }
#   run_tests
#
# Each test runs in its own shell (set -eEuo pipefail) and process group, in a fresh directory, $TEST_TMP. What it leaves
# running or mounted in there is ended, and mounts make it fail. Output is TAP; a failure comes with the test's trace.
#
# From the environment: BERTHCTL, BERTH_HOST (host, vm or booted), BERTH_RUN (/run/berth), BERTH_CACHE (/var/cache/berth-test),
# BERTH_TEST_ONLY (run the functions that match this pattern), BERTH_TEST_KEEP (leave $TEST_TMP of failed tests),
# BERTH_REPORTS (the file to which an executor with sanitizers reports: a test that adds to it has failed).

set -euo pipefail
export LC_ALL=C.UTF-8

BERTH_HOST=${BERTH_HOST:-host}
BERTHCTL=${BERTHCTL:-$(command -v berthctl || echo berthctl)}
BERTH_RUN=${BERTH_RUN:-/run/berth}
BERTH_CACHE=${BERTH_CACHE:-/var/cache/berth-test}
export BERTH_HOST BERTHCTL BERTH_RUN BERTH_CACHE

# Seconds that a test may take, and an eventual state may take to come. Emulation makes the virtual machine slow.
if [[ $BERTH_HOST == vm ]]; then
    : "${TEST_TIMEOUT:=300}" "${SETTLE_TIMEOUT:=60}"
else
    : "${TEST_TIMEOUT:=120}" "${SETTLE_TIMEOUT:=30}"
fi

_script=$(basename "$0" .sh)

# --- Assertions -----------------------------------------------------------------------------------------------------

fail() {
    { set +x; } 2>/dev/null
    printf 'FAILED: %s\n' "$*" >&2
    local i
    for ((i = 1; i < ${#FUNCNAME[@]} - 1; i++)); do
        case ${FUNCNAME[i]} in
            assert_* | expect_rc | retry_until | run_tests | _*) ;;
            *) printf '  in %s, %s:%s\n' "${FUNCNAME[i]}" "$(basename "${BASH_SOURCE[i]}")" "${BASH_LINENO[i - 1]}" >&2 ;;
        esac
    done
    exit 1
}

# Ends the test as neither passed nor failed.
skip() {
    { set +x; } 2>/dev/null
    printf '%s\n' "$*" >"$TEST_TMP/.skip"
    exit 0
}

assert_eq() { # ACTUAL EXPECTED
    [[ $1 == "$2" ]] || fail "is '$1', should be '$2'"
}

assert_ne() { # ACTUAL UNWANTED
    [[ $1 != "$2" ]] || fail "is '$1', should be anything else"
}

assert_match() { # STRING ERE
    [[ $1 =~ $2 ]] || fail "'$1' does not match '$2'"
}

assert_no_match() { # STRING ERE
    [[ ! $1 =~ $2 ]] || fail "'$1' matches '$2'"
}

# Runs a command that should exit with CODE. Its output is then in $OUT and $ERR, and in the files $OUT_FILE and $ERR_FILE.
expect_rc() { # CODE COMMAND...
    { local - && set +x; } 2>/dev/null # a trace would mix with the standard error of a function
    local wanted=$1 got=0
    shift
    : >"$OUT_FILE"
    : >"$ERR_FILE"
    "$@" >"$OUT_FILE" 2>"$ERR_FILE" || got=$?
    OUT=$(tr -d '\0' <"$OUT_FILE")
    ERR=$(tr -d '\0' <"$ERR_FILE")
    if ((got != wanted)); then
        printf -- '--- standard output of: %s\n%s\n--- standard error\n%s\n---\n' "$*" "${OUT:0:20000}" "${ERR:0:20000}" >&2
        fail "exit code $got, should be $wanted: $*"
    fi
}

# What COMMAND prints, as a condition: the shell would expand "$(…)" or <(…) behind retry_until only once.
gives() { # TEXT COMMAND...
    [[ $("${@:2}") == "$1" ]]
}

says() { # PATTERN COMMAND...
    grep -q -e "$1" <<<"$("${@:2}")"
}

# Waits for what comes by itself, but not at a known time. Take the longest bearable SECONDS: it costs nothing.
retry_until() { # SECONDS COMMAND...
    { local - && set +x; } 2>/dev/null
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "did not become true: $*"
        sleep 0.1
    done
}

# --- Clean-up -------------------------------------------------------------------------------------------------------

_cleanup=()

# Runs a command at the end of the test, the last one first, whatever becomes of the test.
on_exit() { # COMMAND...
    { local - && set +x; } 2>/dev/null
    local line
    printf -v line '%q ' "$@"
    _cleanup+=("$line")
}

_run_cleanup() {
    local status=$? i
    { set +x; } 2>/dev/null
    trap - EXIT
    trap '' TERM
    set +e
    for ((i = ${#_cleanup[@]} - 1; i >= 0; i--)); do
        eval "${_cleanup[i]}"
    done
    exit "$status"
}

_mounts_below() { # DIRECTORY
    # Octal escapes in mount points are decoded; the deepest comes first.
    cut -d' ' -f5 /proc/self/mountinfo | while read -r point; do printf '%b\n' "$point"; done |
        grep -F -- "$1/" | sort -r
}

# Never reaches into a mount: what cannot be unmounted keeps the directory. (--one-file-system does not stop rm at a bind
# mount of the same file system.)
_remove_tmp() {
    local point
    { _mounts_below "$TEST_TMP" || true; } | while read -r point; do umount -l "$point" 2>/dev/null || true; done
    if _mounts_below "$TEST_TMP" >/dev/null; then
        printf '# still mounted, so not removed: %s\n' "$TEST_TMP"
    else
        rm -rf --one-file-system "$TEST_TMP" || printf '# could not remove %s\n' "$TEST_TMP"
    fi
}

# --- What a container may leave behind --------------------------------------------------------------------------------

# Everything on the host that a container could change, one sorted line each, without ids that differ between runs.
_host_state() {
    local dir point type
    {
        # Mounts that come and go with services and logins are not ours, nor are those of the tests beside us.
        while read -r _ _ _ _ point rest; do
            type=${rest#* - }
            case $point in
                /run/credentials/* | /run/user/* | /proc/sys/fs/binfmt_misc) continue ;;
                "$TEST_TMP"/*) ;;
                "${TMPDIR:-/tmp}"/berth-test.*) continue ;;
            esac
            printf 'mount %s %s\n' "$point" "${type%% *}"
        done </proc/self/mountinfo
        for dir in /proc/[0-9]*; do
            # One that is dead and only waits for its parent to notice is gone.
            if [[ $(cat "$dir/comm" 2>/dev/null) == berth-executor && -e $dir/exe ]]; then
                printf 'process berth-executor %s\n' "${dir#/proc/}"
            fi
        done
        # berthd is bus-activated and goes when it is idle.
        find /sys/fs/cgroup -type d -path '*/*berth*' ! -path '*/berthd.service*' -printf 'cgroup %p\n' 2>/dev/null || true
        find "$BERTH_RUN/machines" -mindepth 1 -printf 'state %p\n' 2>/dev/null || true
        printf 'link %s\n' /sys/class/net/*
        for dir in /sys/block/loop*/loop; do
            [[ ! -e $dir/backing_file ]] || printf 'loop %s\n' "$(cat "$dir/backing_file")"
        done
        stat -c 'node %n %U:%G %a %F %t:%T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx \
            /dev /dev/shm /proc /sys /run /tmp /etc/passwd
    } | LC_ALL=C sort
}

# Takes note of the host's state; assert_host_unchanged then compares, allowing teardown some time. For tests that run
# alone: containers of other tests show up too.
host_snapshot() {
    { local - && set +x; } 2>/dev/null
    _host_state >"$TEST_TMP/.host-before"
}

assert_host_unchanged() {
    { local - && set +x; } 2>/dev/null
    local end=$((SECONDS + SETTLE_TIMEOUT)) changes
    [[ -e $TEST_TMP/.host-before ]] || fail "assert_host_unchanged without host_snapshot"
    until changes=$(diff -U0 "$TEST_TMP/.host-before" <(_host_state)); do
        if ((SECONDS >= end)); then
            grep '^[-+][a-z]' <<<"$changes" >&2
            fail "the host has changed, see above"
        fi
        sleep 0.2
    done
}

# --- Root file systems ----------------------------------------------------------------------------------------------

_build_rootfs() { # DIRECTORY
    local root=$1
    mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,run,root,home,var/tmp,tmp,mnt}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    chmod 700 "$root/root"
    cp "$(command -v busybox)" "$root/bin/busybox"
    # busybox asks /proc for its own name; the mount goes with its namespace.
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --propagation private sh -c \
        'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/busybox --install -s' - "$root" 2>/dev/null || true
    [[ -L $root/bin/sh ]] || fail "busybox could not install its applets in $root (is it busybox-static?)"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/:/bin/false user:x:1000:1000:user:/home:/bin/sh \
        nobody:x:65534:65534:nobody:/:/bin/false >"$root/etc/passwd"
    printf '%s\n' root:x:0: daemon:x:1: user:x:1000: nogroup:x:65534: >"$root/etc/group"
    printf '%s\n' ID=berth-test 'NAME="Berth test"' 'PRETTY_NAME="Berth test"' VERSION_ID=1 >"$root/etc/os-release"
}

# Makes DIRECTORY a small complete root file system: busybox with all its applets and a few files in /etc.
make_rootfs() { # DIRECTORY
    { local - && set +x; } 2>/dev/null
    local cached lock
    cached=$BERTH_CACHE/rootfs-$({ declare -f _build_rootfs; cat "$(command -v busybox)"; } | sha256sum | cut -c1-16)
    if [[ ! -d $cached ]]; then
        mkdir -p "$BERTH_CACHE"
        exec {lock}>"$BERTH_CACHE/rootfs.lock"
        flock "$lock"
        if [[ ! -d $cached ]]; then
            rm -rf --one-file-system "$cached.new"
            _build_rootfs "$cached.new"
            mv -T "$cached.new" "$cached"
        fi
        exec {lock}>&-
    fi
    mkdir -p "$1"
    cp -a --reflink=auto "$cached/." "$1/"
}

# --- The runner -----------------------------------------------------------------------------------------------------

_report_error() { # STATUS COMMAND LINE
    { local - && set +x; } 2>/dev/null
    printf 'FAILED: exit code %d, line %d: %s\n' "$1" "$3" "$2" >&2
}

_test_shell() { # FUNCTION
    set +m # all of the test stays in its one process group
    set -eEuo pipefail
    trap _run_cleanup EXIT
    trap 'exit 143' TERM
    trap '_report_error "$?" "$BASH_COMMAND" "$LINENO"' ERR
    cd "$TEST_TMP"
    set -x
    "$1"
}

_run_one() { # NUMBER FUNCTION
    local number=$1 function=$2 status=0 reason='' note='' log pid mounts
    TEST_TMP=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
    chmod 755 "$TEST_TMP"
    OUT_FILE=$TEST_TMP/.out ERR_FILE=$TEST_TMP/.err OUT='' ERR=''
    export TEST_TMP
    log=$TEST_TMP/.log
    touch "$log" "$OUT_FILE" "$ERR_FILE"
    # Confined domains inherit these; the type is the virtual machine's own (tests/vm/root.setup).
    [[ $BERTH_HOST != vm ]] || chcon -t vm_output_t "$log" "$OUT_FILE" "$ERR_FILE" 2>/dev/null || true

    # With job control each of the two is a process group, and can be ended whole.
    set -m
    (_test_shell "$function") </dev/null >>"$log" 2>&1 &
    pid=$!
    (sleep "$TEST_TIMEOUT" && touch "$TEST_TMP/.timeout" && kill -TERM -- "-$pid" && sleep 10 && kill -KILL -- "-$pid") \
        </dev/null >/dev/null 2>&1 &
    _watchdog=$!
    _running=$pid
    set +m
    { wait "$pid" || status=$?; } 2>/dev/null
    _running=''
    { kill -KILL -- "-$_watchdog" && wait "$_watchdog"; } 2>/dev/null || true
    kill -KILL -- "-$pid" 2>/dev/null || true # what the test left running in the background

    [[ ! -e $TEST_TMP/.timeout ]] || note="took longer than ${TEST_TIMEOUT}s"
    mounts=$(_mounts_below "$TEST_TMP") || true
    if [[ -n $mounts ]]; then
        printf 'left mounted: %s\n' "$mounts" >>"$log"
        note=${note:-left something mounted}
    fi

    if [[ -n ${BERTH_REPORTS-} && -s $BERTH_REPORTS ]]; then
        cat "$BERTH_REPORTS" >>"$log"
        : >"$BERTH_REPORTS"
        note=${note:-a sanitizer has reported, see the end}
    fi

    if ((status)) || [[ -n $note ]]; then
        _failures=$((_failures + 1))
        printf 'not ok %d - %s: %s\n' "$number" "$_script" "$function"
        printf '# %s\n' "${note:-exit code $status}"
        tail -n "${BERTH_TEST_LOG_LINES:-200}" "$log" | tr -d '\0' | sed 's/^/#   /'
        if [[ -n ${BERTH_TEST_KEEP-} ]]; then
            printf '# kept: %s\n' "$TEST_TMP"
            return
        fi
    elif [[ -e $TEST_TMP/.skip ]]; then
        reason=$(head -n 1 "$TEST_TMP/.skip")
        printf 'ok %d - %s: %s # SKIP %s\n' "$number" "$_script" "$function" "$reason"
    else
        printf 'ok %d - %s: %s\n' "$number" "$_script" "$function"
    fi
    _remove_tmp
}

_running='' _watchdog=''
_failures=0

_interrupted() {
    trap '' INT TERM
    if [[ -n $_running ]]; then
        { kill -KILL -- "-$_watchdog"; kill -TERM -- "-$_running"; wait; } 2>/dev/null || true
        _remove_tmp
    fi
    exit 130
}

# Runs every test_* function in the order of the file. The last line of a script.
run_tests() {
    local functions function number=0
    trap _interrupted INT TERM
    functions=$(
        shopt -s extdebug # declare -F tells the line
        declare -F | awk '$3 ~ /^test_/ { print $3 }' | while read -r f; do declare -F "$f"; done | sort -k2,2n | cut -d' ' -f1
    )
    for function in $functions; do
        # shellcheck disable=SC2053 # a pattern
        [[ $function == ${BERTH_TEST_ONLY:-*} ]] || continue
        number=$((number + 1))
        _run_one "$number" "$function"
    done
    printf '1..%d\n' "$number"
    return $((_failures > 0))
}
