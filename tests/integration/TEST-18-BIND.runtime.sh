#!/bin/bash
# hosts: host
# bind and unbind: mounts that come to a container and go while it runs.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016
. "$(dirname "$0")/containers.sh"

start_sleeper() { # [OPTION...]
    b run -d --name="$ID" "$@" -D "$ROOT" /bin/sleep 1000 >/dev/null
}

mounts_here() { cut -d' ' -f4,5,6 /proc/self/mountinfo | sort; }

test_directory_and_file() {
    prepare
    start_sleeper
    mkdir -p src/sub dst
    echo data >src/file
    mounts_here >before
    expect_rc 1 b bind "$ID" "$PWD/src" /mnt/new
    assert_match "$ERR" '--mkdir'
    expect_rc 0 b bind --mkdir "$ID" src /mnt/new/deep
    assert_eq "$OUT$ERR" ''
    expect_rc 0 b exec "$ID" cat /mnt/new/deep/file
    assert_eq "$OUT" data
    expect_rc 0 b bind --mkdir "$ID" src/file /mnt/single
    expect_rc 0 b exec "$ID" /bin/sh -c 'echo more >>/mnt/single; cat /mnt/new/deep/file'
    assert_eq "$OUT" $'data\nmore'
    # The same path on both sides.
    expect_rc 0 b bind --mkdir "$ID" "$PWD/src"
    expect_rc 0 b exec "$ID" ls "$PWD/src"
    # Nothing of it is seen on the host.
    mounts_here >after
    diff before after
    expect_rc 0 b show -p binds "$ID"
    assert_match "$OUT" '/mnt/new/deep'
    expect_rc 0 b unbind "$ID" /mnt/new/deep/ /mnt//single "$PWD/src"
    expect_rc 0 b exec "$ID" /bin/sh -c 'ls /mnt/new/deep; cat /mnt/single; grep -c " /mnt" /proc/self/mountinfo || true'
    assert_eq "$OUT" 0
    expect_rc 1 b unbind "$ID" /mnt/single
    assert_match "$ERR" 'nothing was bound'
    b stop -t 0 "$ID"
    assert_no_trace "$ID"
}

test_read_only() {
    prepare
    start_sleeper
    mkdir src
    expect_rc 0 b bind --read-only --mkdir "$ID" src /mnt/ro
    expect_rc 1 b exec "$ID" touch /mnt/ro/file
    assert_match "$ERR" 'Read-only'
    expect_rc 0 touch src/file
}

# A socket, a FIFO, a device node: files like others.
test_special_files() {
    prepare
    start_sleeper
    python3 -c '
import socket, os, sys
s = socket.socket(socket.AF_UNIX); s.bind("socket"); s.listen()
print("ready", flush=True)
while True:
    c, _ = s.accept(); c.sendall(b"hello from here\n"); c.close()' >ready &
    retry_until "$SETTLE_TIMEOUT" grep -q ready ready
    expect_rc 0 b bind --mkdir "$ID" socket /run/app/socket
    # busybox has no client for it; the file is the same socket.
    expect_rc 0 b exec "$ID" test -S /run/app/socket
    assert_eq "$(python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(99).decode(), end="")' "/proc/$(state_field "$ID" leader)/root/run/app/socket")" 'hello from here'
    mknod full c 1 7
    expect_rc 0 b bind --mkdir "$ID" /dev/zero /dev/my-zero
    expect_rc 0 b exec "$ID" /bin/sh -c 'test -c /dev/my-zero && head -c 3 /dev/my-zero | od -An -tx1'
    assert_eq "$OUT" ' 00 00 00'
    expect_rc 0 b unbind "$ID" /dev/my-zero /run/app/socket
    expect_rc 0 b exec "$ID" /bin/sh -c 'test ! -c /dev/my-zero -a ! -S /run/app/socket'
}

# In a user namespace: owners are those that the files have here, what --mkdir makes belongs to the container.
test_user_namespace() {
    prepare
    b run -d --name="$ID" --userns=auto -D "$ROOT" /bin/sleep 1000 >/dev/null 2>err || { grep -q 'mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
    mkdir src
    echo data >src/file
    chown 1000:1000 src/file
    expect_rc 0 b bind --mkdir "$ID" src /mnt/new/deep
    expect_rc 0 b exec "$ID" /bin/sh -c 'stat -c %u:%g /mnt/new /mnt/new/deep /mnt/new/deep/file; cat /mnt/new/deep/file; touch /mnt/new/deep/made'
    assert_eq "$(xargs <<<"$OUT")" '0:0 0:0 1000:1000 data'
    assert_eq "$(stat -c %u src/made)" 0
    expect_rc 0 b bind "$ID" src /mnt/new/deep
    expect_rc 0 b unbind "$ID" /mnt/new/deep
    expect_rc 0 b exec "$ID" ls /mnt/new/deep
    assert_eq "$OUT" ''
}

# Only what bind made is replaced or taken away.
test_whose_mount() {
    prepare
    mkdir one two three
    echo one >one/file
    echo two >two/file
    echo three >three/file
    start_sleeper --bind="$PWD/one:/mnt/one" --tmpfs=/mnt/memory
    expect_rc 1 b unbind "$ID" /mnt/one
    expect_rc 1 b unbind "$ID" /proc
    # On a mount that was there: on top of it, and it is there again afterwards.
    expect_rc 0 b bind "$ID" two /mnt/one
    expect_rc 0 b exec "$ID" cat /mnt/one/file
    assert_eq "$OUT" two
    # Its own is replaced, not stacked.
    expect_rc 0 b bind "$ID" three /mnt/one
    expect_rc 0 b exec "$ID" cat /mnt/one/file
    assert_eq "$OUT" three
    expect_rc 0 b exec "$ID" grep -c ' /mnt/one ' /proc/self/mountinfo
    assert_eq "$OUT" 2
    expect_rc 0 b unbind "$ID" /mnt/one
    expect_rc 0 b exec "$ID" cat /mnt/one/file
    assert_eq "$OUT" one
    expect_rc 1 b unbind "$ID" /mnt/one
    assert_eq "$(cat one/file two/file three/file | xargs)" 'one two three'
}

# While the mount is replaced, the place never shows what is below.
test_replace_is_seamless() {
    prepare
    mkdir one
    echo bound >one/file
    start_sleeper
    mkdir -p "$ROOT/mnt/place"
    echo below >"$ROOT/mnt/place/file"
    expect_rc 0 b bind "$ID" one /mnt/place
    b exec "$ID" /bin/sh -c 'i=0; while test ! -e /mnt/stop; do read x </mnt/place/file; test "$x" = bound || echo "$x"; i=$((i + 1)); done; echo "looked $i"' >seen &
    local pid=$! i
    for ((i = 0; i < 10; i++)); do
        b bind "$ID" one /mnt/place
    done
    touch "$ROOT/mnt/stop"
    wait "$pid"
    assert_match "$(cat seen)" '^looked [0-9]+$'
}

test_errors() {
    prepare
    mkdir src
    touch file
    expect_rc 1 b bind "$ID" src /mnt
    assert_match "$ERR" 'no container named'
    start_sleeper
    local path
    expect_rc 1 b bind "$ID" missing /mnt
    expect_rc 1 b bind "$ID" file /mnt
    assert_match "$ERR" 'is a directory'
    expect_rc 1 b bind "$ID" src /etc/passwd
    assert_match "$ERR" 'not a directory'
    for path in / relative '' .; do
        expect_rc 1 b bind "$ID" src "$path"
    done
    expect_rc 1 b bind ../x src /mnt
    expect_rc 1 b unbind ../x /mnt
    expect_rc 1 b unbind "$ID" /nothing
    # Taken away from inside, so only forgotten here.
    expect_rc 0 b bind "$ID" src /mnt
    expect_rc 0 b exec --privileged "$ID" umount /mnt
    expect_rc 1 b unbind "$ID" /mnt
    assert_match "$ERR" 'not there any more'
    expect_rc 1 b unbind "$ID" /mnt
    assert_match "$ERR" 'nothing was bound'
}

# Ten at once: each is remembered.
test_at_once() {
    prepare
    start_sleeper
    mkdir src
    local i pids=()
    for ((i = 0; i < 10; i++)); do
        b bind --mkdir "$ID" src "/mnt/at-once-$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    for ((i = 0; i < 10; i++)); do
        expect_rc 0 b unbind "$ID" "/mnt/at-once-$i"
    done
    [[ -z $(find "$BERTH_RUN/locks" -name '*bind*') ]]
}

# B1, B10, C1: the target is found once, inside, while the payload exchanges its directories with links that lead out. What
# finds it has joined the mount namespace, in which there is nothing outside of "/" that a path could lead to. Seen to fail
# with the setns(2) of kernel/join.c left out.
test_races() {
    prepare
    install_helper racer
    mkdir -p canary/sub src "$ROOT/race/d" "$ROOT$PWD/canary"
    echo here >src/here
    ln -s "$PWD/canary" "$ROOT/race/l"
    find canary -printf '%p %y %m %C@\n' >before
    mounts_here >mounts-before
    b run -d --name="$ID" --workdir=/race -D "$ROOT" /bin/racer 42 d l >/dev/null
    retry_until "$SETTLE_TIMEOUT" says racing b logs "$ID"
    local i made=0
    for ((i = 0; i < 40; i++)); do
        b bind --mkdir "$ID" src "/race/d/sub$i" 2>/dev/null && made=$((made + 1))
        b bind "$ID" src "/race/d" 2>/dev/null || true
        # A mount point cannot be renamed: where the racer gave it the link's name meanwhile, it waits there.
        b unbind "$ID" "/race/d" 2>/dev/null || b unbind "$ID" "/race/l" 2>/dev/null || true
    done
    ((made > 0))
    mounts_here >mounts-after
    diff mounts-before mounts-after
    find canary -printf '%p %y %m %C@\n' >after
    diff before after
}

run_tests
