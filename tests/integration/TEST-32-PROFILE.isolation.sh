#!/bin/bash
# hosts: host vm
# What a container of each isolation profile may do, seen from inside.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_nested() {
    prepare
    # Whether the file systems of this host can be mapped (a container's overlay cannot).
    run_in --profile=nested /bin/true >out 2>err || { grep -q 'cannot be mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
}

# The mask of capabilities, in the form of proc_pid_status(5), of those that are named and that this shell has.
names_to_mask() {
    local name number mask=0 own
    own=0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
    for name in $(cat); do
        number=$(sed -n "s/^#define $name[[:blank:]]*\([0-9]*\)$/\1/p" /usr/include/linux/capability.h)
        mask=$((mask | 1 << number))
    done
    printf '%016x' $((mask & own))
}

# What is printed is what a container has.
test_printed_profiles_are_true() {
    prepare
    [[ -e /usr/include/linux/capability.h ]] || skip 'no headers of the kernel'
    install_helper probe
    local profile
    for profile in application system; do
        b show-profile -o json "$profile" >profile.json
        run_in --userns=host --profile="$profile" /bin/probe >probe.json
        # None that whoever starts it has not itself.
        assert_eq "$(names_to_mask <<<"$(json profile.json '" ".join(d[0]["capabilities"])')")" \
            "$(json probe.json 'd["status"]["CapBnd"]')"
        assert_eq "$(json profile.json 'int(d[0]["no_new_privileges"])')" "$(json probe.json 'd["status"]["NoNewPrivs"]')"
    done
    run_in --profile=privileged /bin/probe >probe.json
    assert_eq "$(json probe.json 'd["status"]["Seccomp"]')" 0
}

test_printed_namespaces_are_its_own() {
    prepare_nested # where ids cannot be mapped a line says so, and there is one less
    local name profile
    for profile in application system nested; do
        b show-profile -o json "$profile" >profile.json
        for name in $(json profile.json '" ".join(d[0]["namespaces"])'); do
            assert_ne "$(run_in --profile="$profile" readlink "/proc/self/ns/$name")" "$(readlink "/proc/self/ns/$name")"
        done
    done
    # And no other that there is a choice about.
    assert_eq "$(json profile.json '" ".join(d[0]["namespaces"])')" 'cgroup ipc mnt net pid user uts'
}

# Engines mount the kernel's file systems for their own containers, in namespaces of their own.
test_nested() {
    prepare_nested
    local script='unshare -mpfnu sh -c "mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /tmp && ls -d /proc/[0-9]*"'
    expect_rc 0 run_in --profile=nested --security-opt label=disable /bin/sh -c "$script"
    assert_eq "$OUT" /proc/1
    # And all of that takes the profile.
    expect_rc 1 run_in --userns=auto --security-opt label=disable /bin/sh -c "$script"
    assert_match "$ERR" 'Operation not permitted'
    # Nothing covers the kernel's files, and yet they are the host's.
    local before
    before=$(cat /proc/sys/kernel/panic)
    expect_rc 1 run_in --profile=nested --security-opt label=disable /bin/sh -c 'echo 7 >/proc/sys/kernel/panic'
    assert_match "$ERR" 'Permission denied|Read-only'
    assert_eq "$(cat /proc/sys/kernel/panic)" "$before"
}

test_nested_needs_ids_of_its_own() {
    prepare
    expect_rc 125 run_in --profile=nested --userns=host /bin/true
    assert_match "$ERR" "the profile 'nested' needs ids of its own, and --userns gives it others"
    expect_rc 125 run_in --profile=nested --userns=0:65536 /bin/true
    assert_match "$ERR" 'needs ids of its own'
    expect_rc 1 b show-profile nonsense
    assert_match "$ERR" "there is no profile 'nonsense'"
}

# The small root moves to a place of its own, and the container's gets the programs of this machine.
make_host_tree() { # PLACE
    local directory
    mkdir "$1"
    cp -a "$ROOT/." "$1"
    rm -rf "${ROOT:?}"/{bin,lib,lib64,sbin}
    mkdir -p "$ROOT"/{usr,inner,run,etc/containers,var/lib}
    for directory in bin lib lib64 sbin; do ln -s "usr/$directory" "$ROOT/$directory"; done
    cp /etc/ld.so.cache "$ROOT/etc"
}

# Device nodes are shown where they cannot be made.
test_berthctl_inside() {
    prepare_nested
    [[ $BERTH_HOST == host ]] || skip 'the programs of the build directory are not here'
    local inner=$TEST_TMP/inner build
    build=$(dirname "$(dirname "$(dirname "$(readlink -f "$BERTHCTL")")")")
    make_host_tree "$inner"
    expect_rc 0 run_in --profile=nested --bind-ro=/usr --bind="$inner:/inner" --tmpfs=/tmp --bind-ro="$build" \
        --env=BERTH_RUN_DIR=/tmp/run --env=BERTH_DATA_DIR=/tmp/data --env=BERTH_CONFIG_DIR=/tmp/etc --env=ASAN_OPTIONS=detect_leaks=0 \
        "$(readlink -f "$BERTHCTL")" run --rm --userns=host --name=inner -D /inner /bin/sh -c 'echo $$; stat -c "%t:%T" /dev/null; : >/dev/null; hostname'
    assert_eq "$OUT" $'1\n1:3\ninner'
}

# B21: a device that is shown and not made is that device, by its numbers: no link and no file in its place.
test_B21_devices_that_were_swapped() {
    prepare_nested
    local inner=$TEST_TMP/inner program swap options=()
    program=$(readlink -f "$BERTHCTL")
    [[ $program == /usr/* ]] || options+=(--bind-ro="$(dirname "$(dirname "$(dirname "$program")")")")
    make_host_tree "$inner"
    for swap in 'echo planted >/dev/full' 'ln -s /etc/passwd /dev/full' 'ln -s null /dev/full' 'ln /dev/null /dev/full'; do
        expect_rc 125 run_in --profile=nested --security-opt label=disable --bind-ro=/usr --bind="$inner:/inner" --tmpfs=/tmp "${options[@]}" \
            --env=BERTH_RUN_DIR=/tmp/run --env=BERTH_DATA_DIR=/tmp/data --env=BERTH_CONFIG_DIR=/tmp/etc --env=ASAN_OPTIONS=detect_leaks=0 \
            /bin/sh -c 'rm /dev/full; '"$swap"'; exec "$@"' - \
            "$program" run --rm --userns=host --name=inner -D /inner /bin/cat /dev/full
        assert_match "$ERR" "cannot make the device '/dev/full', and there is none here to show instead"
        assert_eq "$OUT" ''
    done
}

# A container of an engine inside a container, where that engine is installed.
test_podman_inside() {
    prepare_nested
    command -v podman crun >/dev/null || skip 'podman is not installed'
    local inner=$TEST_TMP/inner
    make_host_tree "$inner"
    cp -r /etc/containers/. "$ROOT/etc/containers"
    printf '[storage]\ndriver="vfs"\nrunroot="/run/c"\ngraphroot="/var/lib/c"\n' >"$ROOT/etc/containers/storage.conf"
    expect_rc 0 run_in --profile=nested --bind-ro=/usr --bind="$inner:/inner" --tmpfs=/tmp --tmpfs=/run --tmpfs=/var/lib \
        podman --cgroup-manager=cgroupfs run --rm --network=none --cgroups=disabled --rootfs /inner \
        /bin/sh -c 'echo hello from $$; sed -n "s/^Seccomp:\t//p" /proc/self/status'
    assert_eq "$OUT" $'hello from 1\n2'
}

run_tests
