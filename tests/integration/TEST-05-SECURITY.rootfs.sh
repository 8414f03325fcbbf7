#!/bin/bash
# hosts: host vm
# Root file systems that lead elsewhere (THREATS 1B): whatever a path in there is, what is outside stays as it was.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# Everything there is to tell of a tree, but for the times of access.
describe_tree() { # DIRECTORY
    find "$1" -printf '%p %y %s %m %U:%G %n %T@ %C@ %l\n' | sort
    find "$1" -type f -exec sha256sum {} + | sort
    grep -F "$1/" /proc/self/mountinfo || true
}

# CANARY is a tree outside the root that has what a redirected write would be after.
prepare_canary() {
    prepare
    CANARY=$TEST_TMP/canary
    mkdir -p "$CANARY"/{proc/self,sys/fs/cgroup,dev/pts,etc,work,data,self/attr}
    echo canary >"$CANARY/file"
    echo canary >"$CANARY/etc/passwd"
    echo canary >"$CANARY/etc/hostname"
    echo canary >"$CANARY/dev/null"
    chmod 750 "$CANARY/work"
    describe_tree "$CANARY" >canary.before
    # The first container of all makes the slice, which stays.
    run_in /bin/true
    retry_until "$SETTLE_TIMEOUT" _no_cgroup_named "$ID"
    host_snapshot
}

assert_canary_unchanged() {
    describe_tree "$CANARY" >canary.after
    diff canary.before canary.after || fail 'what is outside was changed'
    assert_host_unchanged
    assert_no_trace "$ID"
}

# Puts something else in the place of a path of the root.
replace_by() { # KIND PATH
    local path=$ROOT$2
    rm -rf "${path:?}"
    mkdir -p "$(dirname "$path")"
    case $1 in
        absolute-link) ln -s "$CANARY" "$path" ;;
        relative-link) ln -s "../../../../../../../../../../$CANARY" "$path" ;;
        link-to-link) ln -s /mnt/hop "$path" && mkdir -p "$ROOT/mnt" && ln -sfn "$CANARY" "$ROOT/mnt/hop" ;;
        link-inside) ln -s /etc "$path" ;;
        magic-link) ln -s /proc/1/root "$path" ;;
        loop) ln -s "$(basename "$path")" "$path" ;;
        dangling) ln -s /nowhere/at/all "$path" ;;
        file) echo file >"$path" ;;
        fifo) mkfifo "$path" ;;
        device) mknod "$path" c 1 5 ;;
        socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$path" ;;
    esac
}

# B3, B9: these are mounted on directories or not at all.
test_kernel_mount_points_that_are_no_directories() {
    prepare_canary
    local kind path
    for path in /proc /sys /dev; do
        for kind in absolute-link relative-link link-to-link link-inside magic-link loop dangling file fifo device socket; do
            replace_by "$kind" "$path"
            expect_rc 125 run_in /bin/echo ran
            assert_match "$ERR" "'$path' of the root file system must be mounted on ordinary directory"
            assert_eq "$OUT" ''
            rm -f "$ROOT$path"
            mkdir "$ROOT$path"
        done
    done
    expect_rc 0 run_in /bin/true
    assert_canary_unchanged
}

# B6, B7: what the tree has in /dev is not what is used.
test_hostile_contents_of_dev() {
    prepare_canary
    local kind
    for kind in absolute-link relative-link link-inside file fifo; do
        for path in null console ptmx pts shm tty stdout fd; do
            replace_by "$kind" "/dev/$path"
        done
        ln -sfn "$CANARY/file" "$ROOT/dev/console"
        expect_rc 0 sh_in 'stat -c %t:%T /dev/null; stat -L -c %F /dev/pts /dev/shm; echo x >/dev/null; for f in interrupts keys timer_list; do f=/proc/$f; [ ! -f $f ] && [ -e $f ] && stat -c %t:%T $f; done; cat /proc/interrupts 2>/dev/null; true'
        assert_match "$OUT" $'^1:3\ndirectory\ndirectory(\n1:3)*$'
        expect_rc 0 "$HELPERS/on-tty" -- "$BERTHCTL" run --name="$ID" -D "$ROOT" -it /bin/sh -c 'test -c /dev/console && echo console >/dev/console; tty'
        assert_match "$OUT" 'console'
    done
    assert_canary_unchanged
}

# B1, B10: a mount lands in the root, wherever a link in it points, or is refused.
test_mount_targets_through_links() {
    prepare_canary
    mkdir outside
    echo outside >outside/file
    local kind option target mounted=0 refused=0 kinds=(absolute-link relative-link link-to-link magic-link) least=20
    # Emulation is slow: one kind of each.
    [[ $BERTH_HOST == host ]] || kinds=(relative-link magic-link) least=5
    for kind in "${kinds[@]}"; do
        for target in /link /link/new/deeper; do
            for option in "--bind=$TEST_TMP/outside:$target" "--bind-ro=$TEST_TMP/outside:$target" "--tmpfs=$target" \
                "--bind=$TEST_TMP/outside/file:$target-file" "--overlay=$TEST_TMP/outside:$TEST_TMP/outside:$target" \
                "--mask=$target" "-v$target" "--workdir=$target"; do
                replace_by "$kind" /link
                rm -rf "${ROOT:?}/tmp/"*
                # In two of three cases the link leads to something inside too.
                (((mounted + refused) % 3 == 0)) || mkdir -p "$ROOT$CANARY"
                # With the host's ids: file permissions would hide that a link was followed out of the root.
                if run_in --userns=host "$option" /bin/true >out 2>err; then
                    mounted=$((mounted + 1))
                else
                    assert_eq "$?" 125
                    refused=$((refused + 1))
                fi
            done
        done
    done
    # A link out of the root is one to a place in it, which may be missing; the magic ones of /proc are refused.
    ((mounted > least && refused > least)) || fail "$mounted mounted, $refused refused"
    rm -f "$ROOT/link"
    assert_canary_unchanged
    assert_eq "$(cat outside/file)" outside
}

test_mount_targets_that_cannot_be() {
    prepare_canary
    mkdir outside
    local kind
    for kind in loop file fifo device socket; do
        replace_by "$kind" /target
        expect_rc 125 run_in --bind="$TEST_TMP/outside:/target" /bin/true
        expect_rc 125 run_in --tmpfs=/target/below /bin/true
        expect_rc 125 run_in -w /target /bin/true
    done
    assert_canary_unchanged
}

# Links as real systems have them work: /var/run is /run, /tmp may be /var/tmp.
test_good_links() {
    prepare
    mkdir -p outside "$ROOT/var/tmp"
    ln -sfn /run "$ROOT/var/run"
    expect_rc 0 sh_in 'ls -d /run/app; cd /var/run/app && pwd -P' --bind="$TEST_TMP/outside:/var/run/app" -w /var/run
    assert_eq "$OUT" $'/run/app\n/run/app'
}

# B11: for a tree of the host a working directory is not made, and never outside.
test_working_directory_through_links() {
    prepare_canary
    local kind
    for kind in absolute-link relative-link link-to-link; do
        replace_by "$kind" /link
        expect_rc 125 run_in -w /link/work /bin/pwd
        expect_rc 125 run_in -w /link/new /bin/pwd
        expect_rc 125 run_in -w /link/new --ephemeral /bin/pwd
    done
    replace_by magic-link /link
    run_in -w /link/canary /bin/pwd >out 2>err || assert_eq "$?" 125
    assert_canary_unchanged
}

# A11: account files, which are read for a user's name.
test_account_files_through_links() {
    prepare_canary
    local kind
    echo "secretuser:x:77:77::/:/bin/sh" >"$CANARY/etc/passwd"
    describe_tree "$CANARY" >canary.before
    for kind in absolute-link relative-link link-to-link magic-link; do
        replace_by "$kind" /etc
        expect_rc 125 run_in -u secretuser /bin/true
        rm "$ROOT/etc"
        mkdir "$ROOT/etc"
        ln -s "$CANARY/etc/passwd" "$ROOT/etc/passwd"
        expect_rc 125 run_in -u secretuser /bin/true
        rm -r "${ROOT:?}/etc"
    done
    assert_canary_unchanged
}

# B13: all of it again for what is done to a container that runs.
test_what_enters_is_checked_again() {
    prepare_canary
    start_in_background web
    b exec "$ID-web" /bin/sh -c 'rm -rf /home; ln -s /proc/1/root/../../.. /home; rm -rf /mnt; ln -s "$1" /mnt; rm /etc/passwd; ln -s "$1/etc/passwd" /etc/passwd' - "$CANARY"
    expect_rc 125 b exec -w /mnt "$ID-web" /bin/pwd
    expect_rc 125 b exec -u canary "$ID-web" /bin/pwd
    b exec -w /home "$ID-web" /bin/ls / >out 2>err || assert_eq "$?" 125
    b terminate "$ID-web"
    rm -f "$ROOT/mnt" "$ROOT/home"
    assert_canary_unchanged
}

# B4, B5: a payload exchanges a directory and a link in a shared volume while others are started with mounts into it.
test_racing_with_mount_targets() {
    prepare_canary
    install_helper probe
    mkdir -p volume/a outside
    ln -s "$CANARY" volume/b
    b run -d --name="$ID-racer" -D "$ROOT" --bind="$TEST_TMP/volume:/v" /bin/sh -c 'probe race /v/a /v/b /v/enough >/raced; touch /finished; sleep 1000' >/dev/null
    local i rounds=80
    [[ $BERTH_HOST == host ]] || rounds=20
    for ((i = 0; i < rounds; i++)); do
        run_in --bind="$TEST_TMP/volume:/v" --tmpfs=/v/a/new/tmpfs --bind="$TEST_TMP/outside:/v/a/bind" \
            --bind-ro="$TEST_TMP/canary.before:/v/a/some/file" -w /v/a /bin/true >out 2>err || assert_eq "$?" 125
    done
    touch volume/enough
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/finished"
    assert_match "$(cat "$ROOT/raced")" '^exchanged [0-9]+'
    b terminate "$ID-racer"
    assert_canary_unchanged
}

# C8: nothing of a container's is waited for.
test_fifos_do_not_block() {
    prepare_canary
    local path
    for path in /etc/passwd /etc/group /etc/os-release /etc/hostname /etc/machine-id; do
        replace_by fifo "$path"
    done
    expect_rc 125 run_in -u user /bin/true
    start_in_background web
    expect_rc 0 b list
    expect_rc 0 b status "$ID-web"
    expect_rc 0 b show "$ID-web"
    b terminate "$ID-web"
    for path in /etc/passwd /etc/os-release; do
        rm "$ROOT$path"
        mknod "$ROOT$path" c 1 5
    done
    expect_rc 125 run_in -u user /bin/true
    assert_canary_unchanged
}

run_tests
