# shellcheck shell=bash disable=SC2034 # the scripts use what is set here
# What the scripts that start containers share, on top of lib.sh. Each of their tests begins with `prepare`, which sets
#
#   ROOT   a small root file system of its own
#   ID     the start of all names that it may give to containers: cgroups have one name space for all tests
#
# and, on the build machine, keeps all state in the test's own directory; a virtual machine has the real one. What the
# test leaves running is ended with it.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HELPERS=$(cd "$(dirname "${BASH_SOURCE[0]}")/helpers" && pwd)

b() { "$BERTHCTL" "$@"; }

own_state() {
    export BERTH_RUN_DIR=$TEST_TMP/state/run BERTH_DATA_DIR=$TEST_TMP/state/data BERTH_CONFIG_DIR=$TEST_TMP/state/etc
    export BERTH_RUN=$BERTH_RUN_DIR
    mkdir -p "$TEST_TMP/state"
}

prepare() {
    { local - && set +x; } 2>/dev/null
    ID=t${TEST_TMP##*.}
    if [[ $BERTH_HOST == host ]]; then
        own_state
    fi
    on_exit _end_containers
    ROOT=$TEST_TMP/root
    make_rootfs "$ROOT"
}

# All that run in the test's root, tracked or not.
processes_of_root() {
    { local - && set +x; } 2>/dev/null
    local pid
    for pid in /proc/[0-9]*; do
        [[ ! $pid/root/bin/busybox -ef $ROOT/bin/busybox ]] || printf '%s\n' "${pid#/proc/}"
    done
}

# shellcheck disable=SC2317 # called by on_exit
_end_containers() {
    { local - && set +x; } 2>/dev/null
    local state name pid
    for state in "$BERTH_RUN/machines/${ID:-none}"*; do
        [[ -e $state ]] || continue
        name=${state##*/}
        timeout 60 "$BERTHCTL" terminate "$name" >/dev/null 2>&1 || true
        # Should berthctl itself be what is broken:
        if [[ -e $state ]]; then
            for pid in $(state_field "$name" supervisor 2>/dev/null) $(state_field "$name" leader 2>/dev/null); do
                kill -KILL "$pid" 2>/dev/null || true
            done
        fi
        [[ $BERTH_HOST == host ]] || timeout 60 "$BERTHCTL" rm --force "$name" >/dev/null 2>&1 || true
    done
    # And those that a failed test has lost.
    for pid in $(processes_of_root); do
        kill -KILL "$pid" 2>/dev/null || true
    done
}

# A number or a plain string of a container's state file.
state_field() { # NAME FIELD
    sed -n 's/.*"'"$2"'":"\{0,1\}\([^",}]*\).*/\1/p' "$BERTH_RUN/machines/$1"
}

# Runs a command in a container of the test's root.
run_in() { # [OPTION...] COMMAND...
    b run --name="$ID" -D "$ROOT" "$@"
}

sh_in() { # SCRIPT [OPTION...]
    local script=$1
    shift
    run_in "$@" /bin/sh -c "$script"
}

# Starts one in the background that stays until it is stopped; its name is ID-SUFFIX.
start_in_background() { # SUFFIX [OPTION...]
    local suffix=$1
    shift
    b run -d --name="$ID-$suffix" -D "$ROOT" "$@" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >/dev/null
}

is_running() { # NAME
    [[ -e $BERTH_RUN/machines/$1 ]] && kill -0 "$(state_field "$1" supervisor)"
}

is_gone() { # NAME
    [[ ! -e $BERTH_RUN/machines/$1 && ! -e $BERTH_RUN/locks/$1 ]]
}

pid_is_gone() { [[ ! -e /proc/$1 ]]; }

# The cgroup of a container where berthctl makes it by itself (no systemd).
has_own_cgroups() { [[ $BERTH_HOST == host && -w /sys/fs/cgroup/unified/cgroup.procs || -w /sys/fs/cgroup/cgroup.procs ]]; }

_assert_nothing_named() { # NAME DIRECTORY...
    local left name=$1
    shift
    left=$(find "$@" -name "*$name*" 2>/dev/null) || true
    [[ -z $left ]] || fail "left behind: $left"
    # systemd takes a scope away when it comes to it.
    retry_until "$SETTLE_TIMEOUT" _no_cgroup_named "$name"
}

_no_cgroup_named() { # NAME
    [[ -z $(find /sys/fs/cgroup -type d -name "*$1*" 2>/dev/null) ]]
}

# Nothing of a run may be left once it has ended.
assert_no_trace() { # NAME
    { local - && set +x; } 2>/dev/null
    local ranges
    ranges=$(find "$BERTH_RUN/ranges" -lname "*$1*" 2>/dev/null) || true
    [[ -z $ranges ]] || fail "a range of ids is left behind: $ranges"
    _assert_nothing_named "$1" "$BERTH_RUN"/{machines,locks,attach}
}

# Nor, of a container that is not kept, what would start it again.
assert_removed() { # NAME
    { local - && set +x; } 2>/dev/null
    _assert_nothing_named "$1" "$BERTH_RUN"/{machines,locks,attach,exits,logs,containers} \
        "${BERTH_DATA_DIR:-/var/lib/berth}/containers" "${BERTH_CONFIG_DIR:-/etc/berth}"
}

# No byte in what a person may see that could act on a terminal.
assert_printable() { # FILE
    local found=0
    # Without PCRE's compiler, which SELinux does not let have executable memory.
    LC_ALL=C grep -qP '(*NO_JIT)[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae\x8e\x8f]|\xe2\x81[\xa6-\xa9]' "$1" || found=$?
    assert_ne "$found" 2
    if ((found == 0)); then
        od -c "$1" | head -n 40 >&2
        fail "control bytes in $1"
    fi
}

# --- Images ----------------------------------------------------------------------------------------------------------

# Makes and loads IMAGE from $ROOT with a configuration in JSON, by plain tar: a docker-archive of one layer.
load_image() { # NAME CONFIG-JSON [EXTRA-DIRECTORY]
    { local - && set +x; } 2>/dev/null
    local work=$TEST_TMP/make config layer architecture=amd64
    [[ $(uname -m) != aarch64 ]] || architecture=arm64
    rm -rf "$work" && mkdir -p "$work"
    tar -C "$ROOT" --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .
    layer=$(sha256sum <"$work/layer.tar" | cut -d' ' -f1)
    printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$architecture" "$2" "$layer" >"$work/config.json"
    config=config.json
    printf '[{"Config":"%s","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$config" "$1" >"$work/manifest.json"
    tar -C "$work" -cf "$work/image.tar" manifest.json config.json layer.tar
    b load --quiet "$work/image.tar" >/dev/null
}

# An image name of this test alone: the virtual machine's store is shared by all tests.
image() { printf '%s:1' "${ID,,}"; }

drop_image() { b rmi --force "$(image)" >/dev/null 2>&1 || true; }

prepare_image() { # CONFIG-JSON
    prepare
    on_exit drop_image
    load_image "$(image)" "$1"
}

# --- Helpers in C, built by meson (static): copied into a root to run there -------------------------------------------

_helper() { # NAME
    local place cached
    for place in "${BERTH_HELPERS:+$BERTH_HELPERS/integration}" "${BERTH_HELPERS-}" /usr/libexec/berth/test-helpers; do
        if [[ -n $place && -f $place/$1 && -x $place/$1 ]]; then
            printf '%s\n' "$place/$1"
            return
        fi
    done
    cached=$BERTH_CACHE/helper-$1-$(sha256sum "$HELPERS/$1.c" | cut -c1-16)
    if [[ ! -x $cached ]] && command -v cc >/dev/null; then
        mkdir -p "$BERTH_CACHE"
        cc -static -O1 -D_GNU_SOURCE -o "$cached.$$" "$HELPERS/$1.c" && mv "$cached.$$" "$cached"
    fi
    printf '%s\n' "$cached"
}

install_helper() { # NAME
    { local - && set +x; } 2>/dev/null
    local helper
    helper=$(_helper "$1")
    [[ -x $helper ]] || skip "the helper $1 is not built (set BERTH_HELPERS to the build directory's tests)"
    cp "$helper" "$ROOT/bin/$1"
}

# A member of a JSON file, by a Python expression over d.
json() { # FILE EXPRESSION
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v, sort_keys=True))' "$1" "$2"
}

# Whether the executor can be made to fail: a build with -Dtest-hooks=true.
has_test_hooks() {
    ! BERTH_FAIL_STEP=0 run_in /bin/true >/dev/null 2>&1
}
