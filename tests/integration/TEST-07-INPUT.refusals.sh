#!/bin/bash
# hosts: host vm
# Mistakes and shortages: a clear message, an exit code that is not zero, and nothing left behind.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# Runs berthctl, which is to refuse with this in its message.
refused() { # CODE ERE ARGUMENT...
    local code=$1 pattern=$2
    shift 2
    expect_rc "$code" b "$@"
    assert_match "$ERR" "$pattern"
    assert_match "$ERR" '^berthctl: '
    assert_printable "$ERR_FILE"
    assert_eq "$OUT" ''
}

# --- Words and options ------------------------------------------------------------------------------------------------

test_unknown_commands() {
    prepare
    refused 1 "unknown command 'rum'.*did you mean 'run'" rum
    refused 1 "did you mean 'inspect'" inspcet
    refused 1 "unknown command 'xyzzyplugh'" xyzzyplugh
    refused 1 "unknown command ''" ''
    refused 1 "unknown command" $'\033[31mred'
}

test_unknown_options() {
    prepare
    refused 125 "'--memroy'|--memroy.*" run --memroy=1 -D "$ROOT" /bin/true
    assert_match "$ERR" "did you mean '?--memory"
    refused 125 '--xyzzyplugh' run --xyzzyplugh -D "$ROOT" /bin/true
    refused 125 '-Y' run -Y -D "$ROOT" /bin/true
    refused 1 '--memory' list --memory=1
    refused 125 '--memory' run -D "$ROOT" --memory
    refused 125 '-D' run -D
    refused 1 '--no-legend' list --no-legend=perhaps
    refused 125 $'x1b|033|\\[31' run $'--\033[31m' -D "$ROOT" /bin/true
    assert_no_trace "$ID"
}

test_too_few_and_too_many_words() {
    prepare
    refused 125 'needs an image or a directory' run
    refused 1 'needs more arguments' stop
    refused 1 'needs more arguments' start
    refused 1 'needs more arguments' load
    refused 1 "no argument 'x'" list x
    refused 1 "no argument 'b'" attach a b
    refused 125 'not both|exclude' run -D "$ROOT" --name="$ID" --boot --init
}

test_values_that_are_none() {
    prepare
    local run=(run --name="$ID" -D "$ROOT") bad
    for bad in 12Q x -1 '' 1.5.5 '1 M' 99999999999999999999 0x10 10%%; do
        refused 125 '--memory' "${run[@]}" "--memory=$bad" /bin/true
    done
    for bad in none -1 '' 0 1e400; do
        refused 125 '--cpus' "${run[@]}" "--cpus=$bad" /bin/true
    done
    for bad in -2 x ''; do
        refused 125 '--pids-limit' "${run[@]}" "--pids-limit=$bad" /bin/true
    done
    for bad in 0 10001 x; do
        refused 125 '--io-weight' "${run[@]}" "--io-weight=$bad" /bin/true
    done
    for bad in MemoryMaxx=1 MemoryMax=12Q MemoryMax '=1' ExecStart=/bin/true Slice=x.slice; do
        refused 125 '--property' "${run[@]}" "--property=$bad" /bin/true
    done
    refused 125 "did you mean '?MemoryMax" "${run[@]}" --property=MemoryMaxx=1 /bin/true
    for bad in x.service ../x.slice a/b.slice ''; do
        refused 125 '--slice' "${run[@]}" "--slice=$bad" /bin/true
    done
    for bad in soon -1 1parsec ''; do
        refused 125 '--stop-timeout' "${run[@]}" "--stop-timeout=$bad" /bin/true
    done
    refused 125 'seccomp' "${run[@]}" --seccomp-profile=/tmp/mine.json /bin/true
    refused 125 'not a security option' "${run[@]}" --security-opt=none /bin/true
    refused 125 'not supported' "${run[@]}" --security-opt=apparmor=x /bin/true
    refused 125 '--label' "${run[@]}" --label==x /bin/true
    assert_removed "$ID"
}

test_images_that_are_not_there() {
    prepare
    refused 125 "no image '[^']*nosuchimage" run "$ID-nosuchimage"
    refused 125 'UPPER|reference|not' run "UPPER/CASE:ta g" /bin/true
    refused 1 "nosuchimage|no image store" inspect "$ID-nosuchimage"
    refused 1 "nosuchimage|no image store" rmi "$ID-nosuchimage"
    expect_rc 1 b load "$TEST_TMP/missing.tar"
    assert_match "$ERR" "missing.tar.*No such file"
    assert_no_trace "$ID"
}

test_names_that_are_not_there() {
    prepare
    start_in_background web
    local verb
    for verb in stop terminate kill wait show logs rm attach start; do
        refused 1 "$ID-wep" "$verb" "$ID-wep"
    done
    for verb in stop kill show; do
        refused 1 "did you mean '$ID-web'" "$verb" "$ID-wep"
    done
    refused 4 "did you mean '$ID-web'" status "$ID-wep" # systemctl(1): 4 is "no such unit"
    for verb in stop kill wait show logs rm attach start; do
        refused 1 '' "$verb" '../machines/x'
        refused 1 '' "$verb" ''
        refused 1 '' "$verb" $'\033]0;title\007'
    done
    b terminate "$ID-web"
}

# --- Permission and shortage ------------------------------------------------------------------------------------------

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# The program may lie where nobody can reach it; ASan's libraries then too.
nobody_can_run_it() { as_nobody "$BERTHCTL" --version >/dev/null 2>&1 || skip 'berthctl lies where only root can run it'; }

test_without_permission() {
    prepare
    nobody_can_run_it
    local verb
    for verb in "run -D $ROOT /bin/true" list 'stop x' 'exec x true' images 'load x.tar'; do
        # shellcheck disable=SC2086 # words
        expect_rc "$([[ $verb == run* || $verb == exec* ]] && echo 125 || echo 1)" as_nobody "$BERTHCTL" $verb
        assert_match "$ERR" 'root|permission|Permission'
    done
    expect_rc 0 as_nobody "$BERTHCTL" --help
    expect_rc 0 as_nobody "$BERTHCTL" run --help
    expect_rc 0 as_nobody "$BERTHCTL" --version
}

test_full_run_directory() {
    prepare
    own_state
    mkdir -p "$BERTH_RUN_DIR"
    expect_rc 125 unshare --mount --propagation private bash -c '
        mount -t tmpfs -o size=16k,nr_inodes=14 none "$BERTH_RUN_DIR" || exit 99
        "$0" list >/dev/null 2>&1
        cat /dev/zero >"$BERTH_RUN_DIR/filler" 2>/dev/null
        i=0; while { : >"$BERTH_RUN_DIR/inode$i"; } 2>/dev/null; do i=$((i + 1)); [ $i -lt 100 ] || break; done
        before=$(find "$BERTH_RUN_DIR" | sort)
        "$0" run --name="$2" -D "$1" /bin/true; code=$?
        [ "$(find "$BERTH_RUN_DIR" | sort)" = "$before" ] || { echo left; exit 98; }
        exit $code' "$BERTHCTL" "$ROOT" "$ID"
    assert_match "$ERR" 'No space left'
    assert_eq "$(processes_of_root)" ''
    expect_rc 0 run_in /bin/true
}

test_full_data_directory() {
    prepare
    own_state
    mkdir -p "$BERTH_DATA_DIR"
    expect_rc 125 unshare --mount --propagation private bash -c '
        mount -t tmpfs -o size=16k,nr_inodes=4 none "$BERTH_DATA_DIR" || exit 99
        "$0" list >/dev/null 2>&1
        i=0; while { : >"$BERTH_DATA_DIR/inode$i"; } 2>/dev/null; do i=$((i + 1)); [ $i -lt 100 ] || break; done
        "$0" run --name="$2" -D "$1" --ephemeral /bin/true' "$BERTHCTL" "$ROOT" "$ID"
    assert_match "$ERR" 'No space left'
    assert_removed "$ID"
    expect_rc 0 run_in --ephemeral /bin/true
}

test_read_only_state() {
    prepare
    own_state
    mkdir -p "$BERTH_RUN_DIR"
    expect_rc 125 unshare --mount --propagation private sh -c '
        mount -t tmpfs -o ro none "$BERTH_RUN_DIR" && exec "$0" run --name="$2" -D "$1" /bin/true' "$BERTHCTL" "$ROOT" "$ID"
    assert_match "$ERR" 'Read-only'
}

test_output_that_nobody_takes() {
    prepare
    expect_rc 1 bash -c '"$0" list >/dev/full' "$BERTHCTL"
    assert_match "$ERR" 'standard output'
    expect_rc 1 bash -c '"$0" --help >/dev/full' "$BERTHCTL"
}

# Without cgroups at all, a container runs, and one line says what is missing.
test_no_cgroups() {
    prepare
    [[ $BERTH_HOST == host ]] || skip 'systemd has them'
    expect_rc 0 unshare --mount --propagation private sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$0" run --name="$2" -D "$1" --memory=64M /bin/sh -c "echo ran; readlink /proc/self/ns/cgroup"' \
        "$BERTHCTL" "$ROOT" "$ID"
    assert_eq "$(head -n 1 <<<"$OUT")" ran
    assert_ne "$(tail -n 1 <<<"$OUT")" "$(readlink /proc/self/ns/cgroup)"
    assert_match "$ERR" 'cgroup'
    expect_rc 0 unshare --mount --propagation private sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$0" run -d --name="$2" -D "$1" /bin/sleep 1000' \
        "$BERTHCTL" "$ROOT" "$ID"
    b terminate "$ID"
    assert_no_trace "$ID"
}

# What this host cannot enforce is said, not passed over.
test_limits_that_cannot_be_applied() {
    prepare
    [[ $BERTH_HOST == host ]] || skip 'all can be applied'
    expect_rc 0 run_in --memory=64M --pids-limit=10 /bin/true
    assert_match "$ERR" 'MemoryMax'
    assert_match "$ERR" 'TasksMax'
    expect_rc 0 run_in /bin/true
    assert_eq "$ERR" ''
}

test_few_file_descriptors() {
    prepare
    expect_rc 0 bash -c 'ulimit -n 64; exec "$0" run --name="$2" -D "$1" /bin/sh -c "ulimit -n"' "$BERTHCTL" "$ROOT" "$ID"
    expect_rc 125 bash -c 'ulimit -n 12; exec "$0" run --name="$2" -D "$1" /bin/true' "$BERTHCTL" "$ROOT" "$ID"
    assert_match "$ERR" 'Too many open files'
    assert_no_trace "$ID"
}

test_no_tmp() {
    prepare
    expect_rc 0 env TMPDIR=/no/such/place HOME=/no/such/home "$BERTHCTL" run --name="$ID" -D "$ROOT" /bin/true
    expect_rc 0 bash -c 'mkdir gone; cd gone; rmdir ../gone; exec "$0" run --name="$2" -D "$1" /bin/pwd' "$BERTHCTL" "$ROOT" "$ID"
    assert_eq "$OUT" /
    expect_rc 0 env -i "$BERTHCTL" list
}

test_executor_that_is_missing() {
    prepare
    expect_rc 125 env BERTH_EXECUTOR=/bin/false "$BERTHCTL" run --name="$ID" -D "$ROOT" /bin/true
    assert_no_trace "$ID"
}

run_tests
