#!/bin/bash
# hosts: host vm
# What the other scripts take for granted about the host they run on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

in_vm() { [[ $BERTH_HOST == vm ]] || skip "only in the virtual machine"; }

# Opens a superblock and a mount as file descriptors; 428 is open_tree, 430 fsopen, 442 mount_setattr.
new_mount_api() {
    python3 - <<'PYTHON'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    result = libc.syscall(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"syscall {arguments[0]}: {os.strerror(ctypes.get_errno())}")
    return result
AT_FDCWD, OPEN_TREE_CLONE, FSCONFIG_CMD_CREATE = -100, 1, 6
tree = call(428, AT_FDCWD, b"/", OPEN_TREE_CLONE)
attributes = (ctypes.c_uint64 * 4)(1, 0, 0, 0)  # set MOUNT_ATTR_RDONLY
call(442, tree, b"", 0x1000, attributes, ctypes.c_size_t(32))
context = call(430, b"tmpfs", 1)
call(431, context, FSCONFIG_CMD_CREATE, None, None, 0)
call(432, context, 1, 0)
PYTHON
}

test_root() {
    assert_eq "$(id -u)" 0
}

test_kernel() {
    local major minor
    IFS=.- read -r major minor _ <<<"$(uname -r)"
    ((major > 6 || (major == 6 && minor >= 1))) || fail "kernel $(uname -r) is older than 6.1"
}

test_new_mount_api() {
    new_mount_api
}

test_namespaces() {
    expect_rc 0 unshare --mount --pid --uts --ipc --net --cgroup --fork --mount-proc sh -c 'echo $$; ls /sys/class/net'
    assert_match "$OUT" '^1'
}

test_user_namespace() {
    expect_rc 0 unshare --user --map-root-user cat /proc/self/uid_map
    assert_match "$OUT" '^ *0 +0 +1$'
}

test_overlayfs() {
    mkdir lower upper work merged
    echo lower >lower/file
    # In a mount namespace of its own, which takes the mount with it.
    expect_rc 0 unshare --mount sh -ec '
        mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
        cat merged/file
        echo upper >merged/file'
    assert_eq "$OUT" lower
    assert_eq "$(cat lower/file)" lower
    assert_eq "$(cat upper/file)" upper
}

test_rootfs_helper() {
    make_rootfs root
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 chroot root /bin/sh -c '. /etc/os-release; echo "$ID $(id -un)"'
    assert_eq "$OUT" 'berth-test root'
}

test_host_snapshot() {
    host_snapshot
    assert_host_unchanged
}

test_init_is_systemd() {
    in_vm
    assert_eq "$(cat /proc/1/comm)" systemd
    retry_until "$SETTLE_TIMEOUT" systemctl is-system-running
    [[ -S /run/dbus/system_bus_socket ]] || fail "no system bus"
}

test_unified_cgroups() {
    local controller controllers
    in_vm
    assert_eq "$(stat -f -c %T /sys/fs/cgroup)" cgroup2fs
    controllers=$(cat /sys/fs/cgroup/cgroup.controllers)
    for controller in cpu memory io pids; do
        assert_match " $controllers " " $controller "
    done
}

test_scope_limits_memory() {
    in_vm
    # shellcheck disable=SC2016 # the inner shell's
    expect_rc 0 systemd-run --scope --quiet -p MemoryMax=64M \
        sh -c 'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max"'
    assert_eq "$OUT" $((64 << 20))
}

test_transient_service() {
    in_vm
    expect_rc 0 systemd-run --wait --pipe --quiet --slice=machine.slice -p TasksMax=10 cat /proc/self/cgroup
    assert_match "$OUT" '^0::/machine\.slice/run-.*\.service$'
}

test_selinux_enforcing() {
    in_vm
    assert_eq "$(getenforce)" Enforcing
    assert_match "$(cat /proc/cmdline)" '(^| )security=selinux( |$)'
    assert_match "$(tr -d '\0' </proc/self/attr/current)" ':unconfined_t:s0-s0:c0\.c1023$'
}

test_selinux_confines_containers() {
    local container=(runcon -t container_t -l 's0:c1,c2' ./busybox)
    in_vm
    cp "$(command -v busybox)" busybox
    echo 1 >own
    echo 2 >shared
    echo 3 >foreign
    chcon -t container_file_t . busybox own shared foreign
    chcon -l s0:c1,c2 own
    chcon -l s0:c3,c4 foreign
    # Their output is lost: SELinux takes an inherited file that a container may not write.
    expect_rc 0 "${container[@]}" cat own
    expect_rc 0 "${container[@]}" cat shared
    expect_rc 1 "${container[@]}" cat foreign
    expect_rc 1 "${container[@]}" cat /etc/shadow
}

test_container_types() {
    in_vm
    expect_rc 0 cat /etc/selinux/default/contexts/lxc_contexts
    assert_match "$OUT" 'container_t'
    assert_match "$(stat -c %C /var/lib/berth-test/debian-tree)" ':container_file_t:s0$'
}

test_debian_tree() {
    in_vm
    expect_rc 0 chroot /var/lib/berth-test/debian-tree /usr/lib/systemd/systemd --version
    assert_match "$OUT" '^systemd 257'
    [[ -x /var/lib/berth-test/debian-tree/sbin/init ]] || fail "no init in the tree"
}

test_machined() {
    in_vm
    expect_rc 0 machinectl list --no-legend
}

test_programs() {
    local program missing=''
    in_vm
    for program in podman crun runc skopeo umoci docker-registry systemd-nspawn nft ip strace busybox zstd python3 criu \
        newuidmap pasta auditctl sesearch; do
        command -v "$program" >/dev/null || missing+=" $program"
    done
    assert_eq "$missing" ''
}

run_tests
