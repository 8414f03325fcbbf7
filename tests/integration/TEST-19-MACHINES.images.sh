#!/bin/bash
# hosts: host
# Machine images: trees, raw disks and, where btrfs can be had, subvolumes in a directory of the test's own.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016
. "$(dirname "$0")/containers.sh"

prepare_images() {
    prepare
    export BERTH_MACHINES_DIR=$TEST_TMP/machines
    mkdir -p "$BERTH_MACHINES_DIR"
    cp -a "$ROOT" "$BERTH_MACHINES_DIR/tree"
    truncate -s 10M "$BERTH_MACHINES_DIR/disk.raw"
    printf 'data' | dd of="$BERTH_MACHINES_DIR/disk.raw" bs=1 seek=5000000 conv=notrunc status=none
    mkdir "$BERTH_MACHINES_DIR/.#clone-cut-off-0123"
    echo x >"$BERTH_MACHINES_DIR/no-image"
}

names() { b list-images --output=json "$@" >list && json list '" ".join(i["name"] for i in d)'; }

# Owners, modes, links, times, content of a tree.
tree_state() {
    (cd "$1" && find . \( -type d -printf '%p d %m %U:%G %T@\n' \) -o ! -type s ! -type c ! -type b -printf '%p %y %m %U:%G %s %T@ %l %n\n' | sort)
}

test_list_and_show() {
    prepare_images
    assert_eq "$(names)" 'disk tree'
    assert_eq "$(names --all)" '.#clone-cut-off-0123 disk tree'
    expect_rc 0 b list-images
    assert_match "$OUT" 'NAME +TYPE'
    expect_rc 0 b list-images --no-legend
    assert_match "$OUT" "tree +directory +no .*$BERTH_MACHINES_DIR/tree"
    expect_rc 0 b show-image tree disk
    assert_match "$OUT" 'os=Berth test'
    assert_match "$OUT" 'type=raw'
    expect_rc 0 b show-image -p type -o table disk
    assert_eq "$OUT" 'type=raw'
    b show-image -o json tree disk >json
    assert_eq "$(json json 'str(d[0]["read_only"]) + d[1]["type"] + str(d[1]["usage_bytes"] < 1000000)')" FalserawTrue
    expect_rc 0 b image-status tree
    assert_match "$OUT" 'OS: Berth test'
    for name in nobody ../tree '' . 'tree/../tree' no-image; do
        expect_rc 1 b show-image "$name"
    done
    expect_rc 1 b show-image tre
    assert_match "$ERR" "did you mean 'tree'"
}

# os-release is data of the image: links stay in it, nothing else than a file is read, no byte reaches a terminal.
test_hostile_os_release() {
    prepare_images
    local tree=$BERTH_MACHINES_DIR/tree
    echo 'PRETTY_NAME="secret of the host"' >secret
    rm "$tree/etc/os-release"
    ln -s "$PWD/secret" "$tree/etc/os-release"
    expect_rc 0 b image-status tree
    assert_no_match "$OUT" 'secret'
    rm "$tree/etc/os-release"
    mkfifo "$tree/etc/os-release"
    expect_rc 0 timeout 60 "$BERTHCTL" image-status tree
    rm "$tree/etc/os-release"
    printf 'PRETTY_NAME="\e[31mred"\n' >"$tree/etc/os-release"
    expect_rc 0 b image-status tree
    assert_printable "$OUT_FILE"
    expect_rc 0 b show-image tree
    assert_printable "$OUT_FILE"
}

test_clone_tree() {
    prepare_images
    host_snapshot
    local tree=$BERTH_MACHINES_DIR/tree
    mkdir "$tree/opt"
    install -m 4755 -o 1000 -g 1000 /dev/null "$tree/opt/setuid"
    ln "$tree/opt/setuid" "$tree/opt/again"
    truncate -s 1G "$tree/opt/sparse"
    chmod 750 "$tree"
    expect_rc 0 b clone tree copy
    assert_eq "$OUT$ERR" ''
    diff <(tree_state "$tree") <(tree_state "$BERTH_MACHINES_DIR/copy")
    (($(stat -c %b "$BERTH_MACHINES_DIR/copy/opt/sparse") < 1000))
    assert_eq "$(names)" 'copy disk tree'
    [[ -z $(find "$BERTH_MACHINES_DIR" -maxdepth 1 -name '*.lck') ]]
    local name
    for name in copy disk; do
        expect_rc 1 b clone tree "$name"
        assert_match "$ERR" 'exists already'
    done
    for name in ../x x/y '' .x 'a b' -x x.raw "$(printf 'a%.0s' {1..70})"; do
        expect_rc 1 b clone -- tree "$name"
    done
    expect_rc 1 b clone nobody new
    assert_host_unchanged
    # It is a tree that runs.
    expect_rc 0 b run --rm --name="$ID" -D "$BERTH_MACHINES_DIR/copy" /bin/cat /etc/os-release
    assert_match "$OUT" 'Berth test'
}

test_clone_raw() {
    prepare_images
    expect_rc 0 b clone disk disk2
    cmp "$BERTH_MACHINES_DIR/disk.raw" "$BERTH_MACHINES_DIR/disk2.raw"
    (($(stat -c %b "$BERTH_MACHINES_DIR/disk2.raw") < 1000))
}

# A clone that is killed leaves only what is hidden, and its name can be used at once.
test_clone_is_atomic() {
    prepare_images
    local i pid
    mkdir "$BERTH_MACHINES_DIR/tree/many"
    (cd "$BERTH_MACHINES_DIR/tree/many" && seq 20000 | xargs touch)
    for i in 1 2 3; do
        "$BERTHCTL" clone tree copy &
        pid=$!
        retry_until "$SETTLE_TIMEOUT" compgen -G "$BERTH_MACHINES_DIR/.#clone-copy-*"
        sleep "0.0$((i * 3))"
        # Meanwhile nobody else gets the name, and nobody cleans up behind its back.
        expect_rc 1 b clone tree copy
        expect_rc 1 b clean
        kill -KILL "$pid"
        wait "$pid" || true
        [[ ! -e $BERTH_MACHINES_DIR/copy ]] || fail 'a clone that was cut off is there'
    done
    retry_until "$SETTLE_TIMEOUT" b clean
    assert_eq "$(names --all)" 'disk tree'
    expect_rc 0 b clone tree copy
    assert_eq "$(find "$BERTH_MACHINES_DIR/copy/many" -type f -printf x | wc -c)" 20000
}

test_rename_and_remove() {
    prepare_images
    echo '[Exec]' >"$BERTH_MACHINES_DIR/tree.nspawn"
    expect_rc 1 b rename tree disk
    expect_rc 1 b rename tree ../x
    expect_rc 0 b rename tree wood
    expect_rc 0 b rename disk plate
    assert_eq "$(names)" 'plate wood'
    assert_eq "$(cat "$BERTH_MACHINES_DIR/wood.nspawn")" '[Exec]'
    expect_rc 0 b remove wood plate
    assert_eq "$(names --all)" '.#clone-cut-off-0123'
    expect_rc 1 b remove wood
    expect_rc 0 b clean
    assert_match "$ERR" 'removed'
    assert_eq "$(ls -A "$BERTH_MACHINES_DIR" | xargs)" 'no-image wood.nspawn'
}

# `remove` and `rename` are those of containers, too: what the name is decides.
test_containers_of_the_same_verbs() {
    prepare_images
    b create --name="$ID" -D "$ROOT" /bin/true >/dev/null
    expect_rc 0 b rename "$ID" "$ID-new"
    expect_rc 0 b remove "$ID-new"
    b create --name=tree -D "$ROOT" /bin/true >/dev/null
    expect_rc 1 b remove tree
    assert_match "$ERR" 'berthctl rm tree'
    expect_rc 0 b rm tree
    expect_rc 0 b remove tree
}

test_in_use() {
    prepare_images
    b run -d --name="$ID" -D "$BERTH_MACHINES_DIR/tree" /bin/sleep 1000 >/dev/null
    local words
    for words in 'remove tree' 'rename tree wood' 'read-only tree' 'clean --all'; do
        # shellcheck disable=SC2086
        expect_rc 1 b $words
        assert_match "$ERR" "in use by the container '$ID'"
    done
    [[ -x $BERTH_MACHINES_DIR/tree/bin/busybox ]]
    # A copy can be made of one that runs.
    expect_rc 0 b clone tree copy
    b terminate "$ID"
    expect_rc 0 b clean --all
    assert_eq "$(names --all)" ''
}

test_read_only() {
    prepare_images
    b read-only tree 2>err || skip "$(cat err)"
    on_exit chattr -i "$BERTH_MACHINES_DIR/tree" "$BERTH_MACHINES_DIR/copy"
    assert_match "$(b list-images --no-legend)" 'tree +directory +yes'
    expect_rc 1 b remove tree
    assert_match "$ERR" 'read-only tree no'
    expect_rc 1 b rename tree wood
    expect_rc 0 b clone --read-only tree copy
    expect_rc 1 touch "$BERTH_MACHINES_DIR/copy/new"
    expect_rc 0 b read-only copy no
    expect_rc 0 touch "$BERTH_MACHINES_DIR/copy/new"
    expect_rc 0 b read-only tree false
    expect_rc 0 b remove tree copy
    expect_rc 1 b read-only disk maybe
}

test_limit_needs_btrfs() {
    prepare_images
    expect_rc 1 b set-limit tree 1G
    assert_match "$ERR" 'btrfs'
    expect_rc 1 b set-limit tree nonsense
    expect_rc 1 b set-limit nobody 1G
}

# On ext4 and btrfs of their own, by a loop device.
on_file_system() { # MKFS...
    command -v "$1" >/dev/null || skip "no $1"
    truncate -s 200M fs
    "$@" fs >/dev/null 2>&1
    mkdir -p mounted
    mount -o loop fs mounted 2>err || skip "$(cat err)"
    on_exit umount mounted
    export BERTH_MACHINES_DIR=$TEST_TMP/mounted
}

test_ext4() {
    prepare_images
    on_file_system mkfs.ext4 -q
    cp -a "$ROOT" mounted/tree
    expect_rc 0 b clone tree copy
    diff <(tree_state mounted/tree) <(tree_state mounted/copy)
    expect_rc 0 b read-only copy
    expect_rc 1 touch mounted/copy/new
    expect_rc 0 b read-only copy no
    expect_rc 0 b remove copy
    assert_eq "$(names)" tree
}

test_btrfs() {
    prepare_images
    on_file_system mkfs.btrfs -q
    command -v btrfs >/dev/null || skip 'no btrfs'
    btrfs -q subvolume create mounted/vol >/dev/null || btrfs subvolume create mounted/vol >/dev/null
    cp -a "$ROOT/." mounted/vol/
    assert_match "$(b list-images --no-legend)" 'vol +subvolume +no'
    expect_rc 0 b clone --read-only vol snapshot
    assert_match "$(b list-images --no-legend)" 'snapshot +subvolume +yes'
    diff <(tree_state mounted/vol) <(tree_state mounted/snapshot)
    expect_rc 1 b remove snapshot
    expect_rc 0 b rename snapshot old
    expect_rc 0 b read-only old no
    expect_rc 1 b set-limit old 1G
    assert_match "$ERR" 'btrfs quota enable'
    if btrfs quota enable mounted 2>/dev/null; then
        btrfs quota rescan -w mounted >/dev/null 2>&1 || true
        expect_rc 0 b set-limit old 20M
        expect_rc 1 dd if=/dev/urandom of=mounted/old/big bs=1M count=40 conv=fsync
        rm -f mounted/old/big
        expect_rc 0 b set-limit old -
    fi
    expect_rc 0 b remove old
    assert_eq "$(names --all)" vol
    [[ $(btrfs subvolume list mounted | wc -l) == 1 ]]
}

run_tests
