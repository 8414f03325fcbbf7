#!/bin/bash
# hosts: host
# What a loss of power leaves of a load: what is written to a disk, and nothing of what waits in memory to be written. The disk
# is a file with ext4 in it, which writes only what it is asked to; its bytes as they are at a moment are the disk afterwards.

# A new disk for each of some places: on a busy machine that takes its time.
: "${TEST_TIMEOUT:=900}"
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

_unmount() { umount -lq "$TEST_TMP/disk" "$TEST_TMP/after" || true; }

make_disk() {
    command -v mkfs.ext4 >/dev/null || skip 'needs e2fsprogs'
    rm -f disk.img && truncate -s 64M disk.img && mkfs.ext4 -q -F disk.img
    mkdir -p disk after
    # Its own regular writing would make the loss smaller.
    mount -o loop,commit=600 disk.img disk 2>err || skip "no loop device: $(cat err)"
    on_exit _unmount
    export BERTH_DATA_DIR=$TEST_TMP/disk/data
}

# The power is gone, and comes back. What was killed may not be gone yet, and is in the way of an ordinary umount.
lose_power() {
    cp --sparse=always disk.img after.img
    umount -l disk
    mount -o loop after.img after
    export BERTH_DATA_DIR=$TEST_TMP/after/data
}

prepare_archive() {
    prepare
    load_image "$(image)" '{"Cmd":["/bin/echo","here"]}'
    cp "$TEST_TMP/make/image.tar" image.tar
    b rmi "$(image)" >/dev/null
}

test_load_that_returned_is_on_the_disk() {
    prepare_archive
    make_disk
    b load --quiet image.tar >/dev/null
    lose_power
    assert_match "$(b images --quiet)" .
    expect_rc 0 b verify --all
    assert_eq "$(b run --rm "$(image)")" here
}

# At calls that put something on the disk: all, or five of them.
test_load_that_did_not_return_left_nothing_that_looks_complete() {
    command -v strace >/dev/null || skip 'needs strace'
    local n count
    prepare_archive
    make_disk
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=fsync,fdatasync,syncfs "$BERTHCTL" load --quiet image.tar >/dev/null
    count=$(wc -l <trace)
    ((count >= 4)) || fail "only $count calls"
    umount -l disk
    for ((n = 1; n <= count; n += 1 + count / 6)); do
        make_disk
        ! ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e inject=fsync,fdatasync,syncfs:signal=KILL:when="$n" \
            "$BERTHCTL" load --quiet image.tar >/dev/null 2>&1 || break
        lose_power
        # What is there is whole, be it nothing; a name leads to all of an image. And nothing is in the way of the next load.
        [[ -z $(b images --quiet) ]] || expect_rc 0 b verify --all
        ! b inspect "$(image)" >/dev/null 2>&1 || assert_eq "$(b run --rm "$(image)")" here
        b load --quiet image.tar >/dev/null
        expect_rc 0 b verify --all
        assert_eq "$(b run --rm "$(image)")" here
        umount -l after
    done
    ((n > 2)) || fail "only $n places were tried"
}

run_tests
