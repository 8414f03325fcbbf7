#!/bin/bash
# hosts: host vm
# The root file system of a directory, and everything that is mounted into it.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# Options of the mount at a path, from the inside: "TYPE OPTIONS", nothing where no mount is.
mount_at() { # PATH [OPTION...]
    local path=$1
    shift
    run_in "$@" /bin/cat /proc/self/mountinfo >"$TEST_TMP/mountinfo"
    awk -v at="$path" '$5 == at { for (i = 7; $i != "-"; i++); found = $(i + 1) " " $6 } END { print found }' "$TEST_TMP/mountinfo"
}

has_options() { # "TYPE OPTIONS" OPTION...
    local have=,${1#* }, option
    shift
    for option; do [[ $have == *,$option,* ]] || fail "no '$option' in '$have'"; done
}

# --- The root ---------------------------------------------------------------------------------------------------------

test_directory_is_written_to() {
    prepare
    expect_rc 0 sh_in 'echo new >/etc/new; rm /etc/os-release; cat /etc/new'
    assert_eq "$(cat "$ROOT/etc/new")" new
    [[ ! -e $ROOT/etc/os-release ]]
}

test_read_only() {
    prepare
    expect_rc 0 sh_in 'for f in /new /etc/new /usr/new /proc/sys/new; do touch $f 2>/dev/null && echo "wrote $f"; done
        for f in /tmp/new /run/new /var/tmp/new /dev/shm/new; do touch $f || echo "cannot write $f"; done' --read-only
    assert_eq "$OUT$ERR" ''
    [[ ! -e $ROOT/tmp/new && ! -e $ROOT/run/new ]] || fail 'the tree was written to'
    has_options "$(mount_at / --read-only)" ro
}

# Nothing is made in the tree, also no place to mount on.
test_read_only_lacks_a_mount_point() {
    local option
    prepare
    mkdir up
    find "$ROOT" -printf '%p %s %m %T@\n' | sort >before
    for option in --tmpfs=/new/tmpfs --bind="$TEST_TMP:/new" "--bind=$TEST_TMP/before:/new" --volume=/new \
        "--overlay=$ROOT/etc:$TEST_TMP/up:/new"; do
        expect_rc 125 run_in --read-only "$option" /bin/true
        assert_match "$ERR" "no '/new.*read-only.*--volatile=overlay"
        expect_rc 0 run_in --volatile=overlay "$option" /bin/true
    done
    find "$ROOT" -printf '%p %s %m %T@\n' | sort >after
    cmp before after
    # Below what is mounted there is room.
    expect_rc 0 run_in --read-only --tmpfs=/tmp/new /bin/true
    cmp before after
}

test_ephemeral() {
    prepare
    find "$ROOT" -printf '%p %s %m %T@\n' | sort >before
    expect_rc 0 sh_in 'echo new >/etc/new; rm -r /etc/passwd /mnt; chmod 700 /etc; cat /etc/new' --ephemeral
    assert_eq "$OUT" new
    find "$ROOT" -printf '%p %s %m %T@\n' | sort >after
    # Mount points too are made in the layer.
    diff before after
    expect_rc 0 sh_in 'test ! -e /etc/new' --ephemeral
    assert_removed "$ID"
}

test_volatile_overlay() {
    prepare
    expect_rc 0 sh_in 'echo new >/etc/new; cat /etc/new' --volatile=overlay
    assert_eq "$OUT" new
    [[ ! -e $ROOT/etc/new ]] || fail 'the tree was written to'
}

test_volatile_state() {
    prepare
    echo kept >"$ROOT/var/file"
    expect_rc 0 sh_in 'ls /var; touch /var/new /etc/kept' --volatile=state
    assert_eq "$OUT" ''
    [[ ! -e $ROOT/var/new ]]
    [[ -e $ROOT/etc/kept ]]
}

test_volatile_yes() {
    prepare
    mv "$ROOT/bin/busybox" "$ROOT/usr/bin/"
    ln -s busybox "$ROOT/usr/bin/sh"
    expect_rc 0 run_in --volatile=yes /usr/bin/sh -c '/usr/bin/busybox ls -d /etc/passwd /usr/bin/sh; /usr/bin/busybox touch /new; /bin/busybox true'
    assert_eq "$OUT" /usr/bin/sh
    [[ ! -e $ROOT/new ]]
}

test_refused_combinations() {
    prepare
    expect_rc 125 run_in --volatile=sometimes /bin/true
    assert_match "$ERR" 'sometimes'
    expect_rc 125 run_in --volatile=yes --ephemeral /bin/true
    expect_rc 125 run_in --volatile=yes --read-only /bin/true
    expect_rc 125 b run --name="$ID" -D "$ROOT" --boot --init
    expect_rc 125 run_in --read-only=perhaps /bin/true
    assert_no_trace "$ID"
}

# A tree that other mounts are in is taken with them.
test_mounts_below_the_directory() {
    prepare
    mkdir "$ROOT/mnt/below" outside
    echo seen >outside/file
    expect_rc 0 unshare --mount --propagation private sh -c 'mount --bind "$1" "$2/mnt/below" && shift 2 && exec "$@"' - \
        "$TEST_TMP/outside" "$ROOT" "$BERTHCTL" run --name="$ID" -D "$ROOT" /bin/cat /mnt/below/file
    assert_eq "$OUT" seen
}

# --- Kernel file systems ----------------------------------------------------------------------------------------------

test_kernel_file_systems() {
    prepare
    has_options "$(mount_at /proc)" nosuid nodev noexec
    has_options "$(mount_at /sys)" ro nosuid nodev noexec
    assert_match "$(mount_at /dev)" '^tmpfs '
    has_options "$(mount_at /dev)" nosuid noexec
    assert_match "$(mount_at /dev/pts)" '^devpts '
    has_options "$(mount_at /dev/pts)" nosuid noexec
    assert_match "$(mount_at /dev/shm)" '^tmpfs '
    has_options "$(mount_at /dev/shm)" nosuid nodev noexec
    assert_match "$(mount_at /dev/mqueue)" '^mqueue '
    # Only our own processes.
    expect_rc 0 sh_in 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; true'
    assert_match "$OUT" $'^[123]\nsh$'
}

test_devices() {
    prepare
    expect_rc 0 sh_in 'cd /dev; stat -c "%n %a %F %t:%T %U" null zero full random urandom tty; for l in ptmx fd stdin stdout stderr; do readlink $l; done; ls'
    assert_eq "$OUT" 'null 666 character special file 1:3 root
zero 666 character special file 1:5 root
full 666 character special file 1:7 root
random 666 character special file 1:8 root
urandom 666 character special file 1:9 root
tty 666 character special file 5:0 root
pts/ptmx
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
core
fd
full
mqueue
null
ptmx
pts
random
shm
stderr
stdin
stdout
tty
urandom
zero'
    expect_rc 0 sh_in 'echo x >/dev/null; head -c 4 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c'
    assert_eq "$OUT" $' 00 00 00 00\n8'
    expect_rc 0 sh_in 'echo to-stdout >/dev/stdout'
    assert_eq "$OUT" to-stdout
    expect_rc 0 sh_in 'mknod /dev/mine c 1 3 2>/dev/null || echo refused'
    assert_eq "$OUT" refused
}

test_shm_size() {
    prepare
    expect_rc 0 sh_in 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2' --shm-size=1M
    assert_eq "$OUT" 1024
    expect_rc 0 sh_in 'head -c 2000000 /dev/zero >/dev/shm/big 2>/dev/null || echo full' --shm-size=1M
    assert_eq "$OUT" full
    expect_rc 125 run_in --shm-size=large /bin/true
    assert_match "$ERR" "'large' is not a size"
}

test_masked_paths() {
    prepare
    expect_rc 0 sh_in 'for f in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats kallsyms; do
            f=/proc/$f; [ -e $f ] || continue
            if [ -d $f ]; then [ -z "$(ls -A $f)" ] || echo "$f is seen"; touch $f/x 2>/dev/null && echo "$f is written"
            else [ "$(stat -c %t:%T $f)" = 1:3 ] || echo "$f is seen"; fi
        done
        for f in /sys/firmware /sys/devices/virtual/powercap; do [ ! -d $f ] || [ -z "$(ls -A $f)" ] || echo "$f is seen"; done'
    assert_eq "$OUT" ''
    # The covers cannot be written to or taken away.
    expect_rc 0 sh_in 'umount /proc/kcore 2>/dev/null && echo gone; mount -o remount,rw /proc/sys 2>/dev/null && echo writable; echo done'
    assert_eq "$OUT" 'done'
}

test_read_only_paths() {
    prepare
    expect_rc 0 sh_in 'for f in bus fs irq sys sysrq-trigger; do
            f=/proc/$f; [ -e $f ] || continue
            grep -q " $f ro[, ]" /proc/self/mountinfo || grep -q " $f .*ro," /proc/self/mountinfo || echo "$f is no mount that is read-only"
        done
        (echo x >/proc/sys/kernel/hostname) 2>/dev/null && echo "wrote a sysctl"
        (echo x >/proc/sysrq-trigger) 2>/dev/null && echo "wrote sysrq"
        for f in /proc/sys/*/*; do [ -f $f ] && (: >>$f) 2>/dev/null && echo "opened $f"; done; true'
    assert_eq "$OUT" ''
}

test_mask_and_unmask() {
    prepare
    echo secret >"$ROOT/etc/secret"
    expect_rc 0 sh_in 'cat /etc/secret; ls -A /usr/sbin | wc -l' --mask=/etc/secret --security-opt=mask=/usr/sbin
    assert_eq "$OUT" 0
    expect_rc 1 sh_in 'grep -q " /proc/interrupts " /proc/self/mountinfo' --unmask=/proc/interrupts
    expect_rc 0 sh_in 'grep -q " /proc/keys " /proc/self/mountinfo' --unmask=/proc/interrupts
    expect_rc 1 sh_in 'grep -q " /proc/k" /proc/self/mountinfo' --unmask=ALL
    # What is not there to be masked is no error.
    expect_rc 0 run_in --mask=/no/such/path /bin/true
    expect_rc 125 run_in --mask=relative /bin/true
}

# --- The user's mounts ------------------------------------------------------------------------------------------------

test_bind() {
    prepare
    mkdir outside
    echo content >outside/file
    expect_rc 0 sh_in 'cat /inside/file; echo new >/inside/new' --bind="$TEST_TMP/outside:/inside"
    assert_eq "$OUT" content
    assert_eq "$(cat outside/new)" new
    # The same path where no other is given.
    expect_rc 0 run_in --bind="$TEST_TMP/outside" /bin/cat "$TEST_TMP/outside/file"
    assert_eq "$OUT" content
    # A file.
    expect_rc 0 run_in --bind="$TEST_TMP/outside/file:/etc/deep/er/file" /bin/cat /etc/deep/er/file
    assert_eq "$OUT" content
}

test_bind_read_only() {
    prepare
    mkdir outside
    echo content >outside/file
    local option
    for option in "--bind-ro=$TEST_TMP/outside:/inside" "--bind=$TEST_TMP/outside:/inside:ro" "-v=$TEST_TMP/outside:/inside:ro" \
        "--mount=type=bind,src=$TEST_TMP/outside,dst=/inside,ro"; do
        [[ $option != -v=* ]] || option="-v${option#-v=}"
        expect_rc 0 sh_in 'cat /inside/file; (echo x >/inside/new) 2>/dev/null && echo written; true' "$option"
        assert_eq "$OUT" content
    done
    [[ ! -e outside/new ]]
}

# Read-only means the whole tree, not only its top mount.
test_bind_read_only_reaches_below() {
    prepare
    mkdir -p outside/below
    expect_rc 0 unshare --mount --propagation private sh -c 'mount -t tmpfs none "$1/below" && shift && exec "$@"' - \
        "$TEST_TMP/outside" "$BERTHCTL" run --name="$ID" -D "$ROOT" --bind-ro="$TEST_TMP/outside:/inside" \
        /bin/sh -c '(echo x >/inside/below/new) 2>/dev/null && echo written; true'
    assert_eq "$OUT" ''
}

test_bind_options() {
    prepare
    mkdir outside
    cp "$ROOT/bin/busybox" outside/true
    expect_rc 126 run_in --bind="$TEST_TMP/outside:/inside:noexec" /inside/true
    has_options "$(mount_at /inside --bind="$TEST_TMP/outside:/inside:noexec,nosuid,nodev")" noexec nosuid nodev
    expect_rc 125 run_in --bind="$TEST_TMP/outside:/inside:sometimes" /bin/true
    assert_match "$ERR" 'sometimes'
}

test_bind_refuses() {
    prepare
    expect_rc 125 run_in --bind="$TEST_TMP/none:/inside" /bin/true
    assert_match "$ERR" "--bind.*$TEST_TMP/none.*No such file"
    expect_rc 125 run_in --bind=relative:/inside /bin/true
    expect_rc 125 run_in --bind="$TEST_TMP:inside" /bin/true
    expect_rc 125 run_in --bind="$TEST_TMP:/../../inside" /bin/true
    expect_rc 125 run_in --bind= /bin/true
    [[ ! -e $ROOT/inside ]] || fail 'a mount point was left'
    # A directory on a file, a file on a directory.
    expect_rc 125 run_in --bind="$TEST_TMP:/etc/passwd" /bin/true
    expect_rc 125 run_in --bind="$ROOT/etc/passwd:/etc" /bin/true
    assert_no_trace "$ID"
}

test_volume() {
    prepare
    mkdir outside
    expect_rc 0 sh_in 'touch /inside/new' -v "$TEST_TMP/outside:/inside"
    [[ -e outside/new ]]
    # One of its own.
    expect_rc 0 sh_in 'touch /data/new && ls /data' -v /data --ephemeral
    assert_eq "$OUT" new
    mkdir "$ROOT/data"
    expect_rc 0 sh_in 'touch /data/new && ls /data' -v /data --read-only
    assert_eq "$OUT" new
    [[ ! -e $ROOT/data/new ]]
}

test_tmpfs() {
    prepare
    expect_rc 0 sh_in 'stat -f -c %T /scratch; stat -c %a /scratch; touch /scratch/new; df -k /scratch | tail -n 1 | tr -s " " | cut -d" " -f2' \
        --tmpfs=/scratch:size=1M,mode=0711
    assert_eq "$OUT" $'tmpfs\n711\n1024'
    expect_rc 125 run_in --tmpfs=/scratch:size=1Q /bin/true
    expect_rc 125 run_in --tmpfs=scratch /bin/true
    # No option may be smuggled into another.
    expect_rc 125 run_in --tmpfs=/scratch:no_such_option=1 /bin/true
    assert_no_trace "$ID"
}

test_overlay() {
    prepare
    mkdir -p one two upper
    echo one >one/file
    echo one >one/only-one
    echo two >two/file
    expect_rc 0 sh_in 'cat /inside/file /inside/only-one; echo new >/inside/new' --overlay="$TEST_TMP/one:$TEST_TMP/two:$TEST_TMP/upper:/inside"
    assert_eq "$OUT" $'two\none'
    assert_eq "$(cat upper/new)" new
    assert_eq "$(find one two upper | sort | xargs)" 'one one/file one/only-one two two/file upper upper/new'
    assert_eq "$(find . -maxdepth 1 -name '*work*')" ''
    expect_rc 125 run_in --overlay="$TEST_TMP/none:$TEST_TMP/upper:/inside" /bin/true
    assert_match "$ERR" 'none'
    expect_rc 125 run_in --overlay=/inside /bin/true
    assert_no_trace "$ID"
}

test_mount_option() {
    prepare
    mkdir outside
    echo content >outside/file
    expect_rc 0 run_in --mount="type=bind,source=$TEST_TMP/outside,target=/inside" /bin/cat /inside/file
    assert_eq "$OUT" content
    expect_rc 0 run_in --mount=type=tmpfs,dst=/inside /bin/stat -f -c %T /inside
    assert_eq "$OUT" tmpfs
    expect_rc 0 sh_in 'ls -A /etc | wc -l' --mount=type=inaccessible,dst=/etc
    assert_eq "$OUT" 0
    local bad
    for bad in '' type=bind type=nosuch,dst=/x type=bind,dst=/x type=bind,src=/etc type=tmpfs,dst=/x,bogus=1 type=tmpfs,dst=x; do
        expect_rc 125 run_in --mount="$bad" /bin/true
        assert_match "$ERR" '--mount'
    done
}

test_order_and_nesting() {
    prepare
    mkdir outer inner
    expect_rc 0 sh_in 'touch /a/outer /a/b/inner' --bind="$TEST_TMP/outer:/a" --bind="$TEST_TMP/inner:/a/b"
    [[ -e outer/outer && -e inner/inner && -d outer/b ]]
    # A mount of the user's over one of ours.
    expect_rc 0 sh_in 'stat -f -c %T /run; touch /run/x' --tmpfs=/run
    assert_eq "$OUT" tmpfs
}

# User mounts cannot uncover what is masked.
test_mounts_do_not_uncover() {
    prepare
    mkdir fake
    echo secret >fake/kcore
    expect_rc 0 sh_in 'cat /proc/kcore 2>/dev/null; true' --bind="$TEST_TMP/fake:/proc"
    assert_no_match "$OUT" secret
}

# --- The host ---------------------------------------------------------------------------------------------------------

test_nothing_in_the_hosts_mount_table() {
    prepare
    mkdir outside
    cut -d' ' -f5 /proc/self/mountinfo | sort >before
    start_in_background web --bind="$TEST_TMP/outside:/inside" --tmpfs=/scratch --ephemeral
    cut -d' ' -f5 /proc/self/mountinfo | sort >during
    b terminate "$ID-web"
    cut -d' ' -f5 /proc/self/mountinfo | sort >after
    diff before during
    diff before after
}

# Nor the other way: what the host mounts later does not appear inside, and no mount is shared with it.
test_propagation() {
    prepare
    expect_rc 1 sh_in 'grep -E " (shared|master):" /proc/self/mountinfo'
}

test_hosts_nodes_are_unchanged() {
    prepare
    stat -c '%n %a %u:%g %t:%T %Z' /dev/null /dev/zero /dev/urandom /dev/pts /dev/shm /proc /sys >before
    run_in -u 1000 /bin/sh -c ':'
    run_in --read-only /bin/sh -c 'chown 1000 /dev/null; chmod 600 /dev/null'
    sh_in 'chown 1000 /dev/null /dev/zero; chmod 600 /dev/zero' --privileged 2>/dev/null || true
    stat -c '%n %a %u:%g %t:%T %Z' /dev/null /dev/zero /dev/urandom /dev/pts /dev/shm /proc /sys >after
    diff before after
}

test_network_modes() {
    prepare
    expect_rc 0 run_in /bin/ls /sys/class/net
    assert_eq "$OUT" lo
    expect_rc 0 sh_in 'cat /sys/class/net/lo/operstate; ip -o addr show lo | grep -c "127.0.0.1/8"'
    assert_eq "$OUT" $'unknown\n1'
    expect_rc 0 run_in --network=host /bin/readlink /proc/self/ns/net
    assert_eq "$OUT" "$(readlink /proc/self/ns/net)"
    expect_rc 0 run_in --network=none /bin/ls /sys/class/net
    assert_eq "$OUT" lo
    expect_rc 125 run_in --network=bridge0 /bin/true
}

run_tests
