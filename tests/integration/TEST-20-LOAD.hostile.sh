#!/bin/bash
# hosts: host vm
# Images that lie, are damaged or attack: a clear message, exit code 1, a store that is as it was (THREATS D1 to D10).
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
BERTH_IMPORTER=${BERTH_IMPORTER:-/usr/libexec/berth/berth-importer}

make_image() {
    { command -v python3 && command -v zstd; } >/dev/null || skip 'needs python3 and zstd'
    "$here/helpers/make-image" "$@"
}
load() { "$BERTH_IMPORTER" load --quiet --store="$TEST_TMP/store" "$@"; }

# A place outside of the store, with a file that nobody may read, change, link or delete.
make_canary() {
    mkdir canary
    echo secret >canary/secret
    touch -d @1 canary/secret canary
    state=$(stat -c '%n %i %h %s %Y %Z %a' canary canary/secret)
}

assert_canary_unchanged() { assert_eq "$(stat -c '%n %i %h %s %Y %Z %a' canary canary/secret)" "$state"; }

# A store with one good image; what it holds afterwards is what it held before.
make_store() {
    make_image base docker good name=good:1
    load good >/dev/null
    before=$(find store | sort | tee before.list | sha256sum)
}

assert_store_unchanged() {
    [[ $(find store | sort | tee after.list | sha256sum) == "$before" ]] || { diff before.list after.list; fail 'the store has changed'; }
}

refuse() { # ERE, CASE, FORMAT, OPTIONS...
    local wanted=$1
    shift
    rm -rf image
    make_image "$1" "$2" image canary="$TEST_TMP/canary" name=bad:1 "${@:3}"
    expect_rc 1 load image
    assert_match "$ERR" "$wanted"
    assert_no_match "$ERR" 'AddressSanitizer|runtime error'
    assert_eq "$OUT" ''
    assert_store_unchanged
}

test_names_that_lead_out() {
    make_canary
    make_store
    refuse "\.\./escaped.*leads out" dotdot docker
    refuse 'leads out' dotdot-inside docker
    refuse 'absolute' absolute docker
    refuse 'symbolic link' symlink-file docker
    refuse 'symbolic link' symlink-relative docker
    refuse 'symbolic link' symlink-chain docker
    refuse 'symbolic link' symlink-dir docker
    refuse 'symbolic link' dir-becomes-link docker
    refuse 'only be a directory' root-link docker
    refuse 'only be a directory' root-slash-link docker
    refuse 'only be a directory' root-file docker
    assert_canary_unchanged
}

test_hard_links_that_lead_out() {
    make_canary
    make_store
    refuse 'leads out' hardlink-dotdot docker
    refuse 'no earlier entry' hardlink-absolute docker
    refuse 'symbolic link' hardlink-symlink docker
    refuse 'no earlier entry' hardlink-forward docker
    refuse 'directory' hardlink-dir docker
    refuse 'is not a directory|symbolic link' hardlink-write docker
    make_image hardlink-cwd docker image
    # What is relative to the importer's own directory must not be found.
    expect_rc 1 env --chdir=canary "$BERTH_IMPORTER" load --quiet --store="$TEST_TMP/store" ../image
    assert_match "$ERR" 'no earlier entry'
    assert_canary_unchanged
}

test_deletions_that_lead_out() {
    make_canary
    make_store
    refuse 'symbolic link' whiteout-symlink docker
    refuse 'symbolic link' opaque-symlink docker
    refuse 'names nothing' whiteout-dotdot docker
    refuse 'names nothing' whiteout-dot docker
    refuse 'names nothing' whiteout-empty docker
    refuse 'below a deletion mark' whiteout-below docker
    assert_canary_unchanged
}

test_limits() {
    make_store
    refuse 'deeper than' deep docker
    refuse 'longer than 255' long-component docker
    refuse 'not a user' negative-id docker
    refuse 'not a user' huge-id docker
    refuse 'larger than' huge-sparse docker
    refuse 'too large|damaged' huge-pax docker
}

test_what_is_no_layer() {
    make_store
    refuse 'damaged' garbage docker
    refuse 'compressed with zip' zip docker
    refuse 'compressed with xz' xz docker
}

test_bombs() {
    local start=$SECONDS
    make_store
    refuse 'decompression bomb' bomb oci layers=gzip
    refuse 'decompression bomb' bomb oci layers=zstd
    ((SECONDS - start < TEST_TIMEOUT / 2))
    # In the archive's own compression too.
    refuse 'decompression bomb' bomb docker layers=plain outer=zstd
}

test_wrong_digests() {
    make_store
    refuse 'digest is sha256:' base oci break=digest layers=plain
    refuse 'damaged' base oci break=digest layers=gzip
    refuse 'DiffID' base oci break=diffid
    refuse 'DiffID' base docker break=diffid layers=zstd
    refuse 'has the digest' base docker break=config
    refuse 'bytes instead of' base oci break=size
    refuse 'lists 1 layers' base docker break=count
}

test_incomplete_images() {
    make_store
    refuse "'blobs/sha256/[0-9a-f]{64}' is missing" base oci break=missing
    refuse 'layer.tar. is missing' base docker break=missing
    refuse 'is missing' base dir break=missing
    refuse 'damaged or cut off|no container image' base oci break=truncate
    refuse 'damaged or cut off|no container image' base docker break=truncate
    refuse 'cut off' base docker break=truncate outer=gzip
    refuse 'cut off' base docker break=truncate outer=zstd
}

test_ambiguous_images() {
    make_store
    refuse 'manifest and an index at the same time' base oci break=ambiguous
    refuse 'two members named' base docker double=yes
}

test_what_is_no_image() {
    make_store
    expect_rc 1 load nothing-here
    assert_match "$ERR" 'nothing-here.*No such file'
    : >empty
    expect_rc 1 load empty
    assert_match "$ERR" 'holds no container image'
    expect_rc 1 load /dev/null
    mkdir -p tree/etc && touch tree/etc/passwd
    expect_rc 1 load tree
    assert_match "$ERR" 'root file system'
    head -c 100000 /dev/urandom >noise
    expect_rc 1 load noise
    mkfifo fifo
    (exec 3>fifo) &
    expect_rc 1 load fifo
    expect_rc 2 load
    expect_rc 2 "$BERTH_IMPORTER" explode
    assert_store_unchanged
}

# Links in a directory do not lead out of it.
test_directory_with_links() {
    make_canary
    make_store
    make_image base dir image name=bad:1
    rm image/index.json
    ln -s "$TEST_TMP/canary/secret" image/index.json
    expect_rc 1 load image
    assert_no_match "$ERR" 'secret$'
    assert_canary_unchanged
    assert_store_unchanged
}

# A message is one line of printable text, whatever the image holds.
test_messages_are_escaped() {
    make_store
    rm -rf image
    make_image base docker image name=$'evil\e]52;c;x\a:1'
    expect_rc 0 load image
    assert_no_match "$ERR" $'[\e\a]'
}

test_full_disk() {
    make_store
    local image=$TEST_TMP/image
    make_image nasty docker "$image" name=bad:1
    head -c 12M /dev/urandom >big
    tar cf layer.tar big
    # The limit is the file system's: 4 MiB.
    mkdir small
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --propagation private sh -c '
        mount -t tmpfs -o size=4M tmpfs small && cp -a store small/ &&
        before=$(find small | sort) &&
        { "$1" load --quiet --store=small/store - <"$2" 2>err; echo $? >rc; } &&
        test "$(find small | sort)" = "$before"' - "$BERTH_IMPORTER" <(
        python3 - layer.tar <<'PYTHON'
import hashlib, io, json, sys, tarfile
layer = open(sys.argv[1], 'rb').read()
config = json.dumps({'os': 'linux', 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{'Config': 'c.json', 'RepoTags': ['bad:1'], 'Layers': ['l/layer.tar']}]).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as tar:
    for name, data in ('l/layer.tar', layer), ('c.json', config), ('manifest.json', manifest):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
PYTHON
    )
    assert_eq "$(cat rc)" 1
    assert_match "$(cat err)" 'No space left on device'
    assert_match "$(cat err)" 'too little space'
}

# THREATS R2: whenever a load is killed, nothing looks complete, and the next one tidies up and succeeds.
test_killed_loads() {
    local i pid
    make_image nasty docker image name=web:1
    for ((i = 0; i < 30; i++)); do
        load image >/dev/null 2>&1 &
        pid=$!
        sleep "0.$(printf %03d $((i * 2)))"
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        # Either the image is whole or there is none.
        if [[ -e store/refs/web:1 ]]; then
            [[ -e store/images/$(sed -n '$s/^[0-9]* sha256:\([0-9a-f]*\) .*/\1/p' store/refs/web:1) ]]
        fi
    done
    expect_rc 0 load image
    retry_until "$SETTLE_TIMEOUT" sh -c '[ -z "$(ls store/tmp)" ] || { "$0" load -q --store=store image; false; }' "$BERTH_IMPORTER"
}

# A power cut may keep any later step and lose any earlier one that was not forced to the disk. So: data, then the names of
# layers and blobs, then those on the disk, then the image, then that, then the reference.
test_order_on_disk() {
    command -v strace >/dev/null || skip 'needs strace'
    make_image nasty docker image name=web:1
    ASAN_OPTIONS=detect_leaks=0 strace -f -y -o trace -e trace=openat,mkdirat,fsync,syncfs,renameat,renameat2,linkat \
        "$BERTH_IMPORTER" load -q --store=store image
    python3 - trace <<'PYTHON'
import re, sys

events = [line.split(None, 1)[1] for line in open(sys.argv[1]) if ') = ' in line or ')  = ' in line]


def places(pattern):
    return [i for i, event in enumerate(events) if re.search(pattern, event)]


def within(first, pattern, last, what):
    if not any(first < i < last for i in places(pattern)):
        sys.exit(f"{what}: nothing like {pattern} between events {first} and {last}")


def renamed_into(directory):
    return places(rf'^(renameat2?|linkat)\(.*, \d+<[^>]*store>, "{directory}/|^(renameat2?|linkat)\(.*, \d+<[^>]*/{directory}>, "[^.]')


names = renamed_into('layers') + renamed_into('blobs/sha256')
image, reference = renamed_into('images'), renamed_into('refs')
if len(names) < 3 or len(image) != 1 or len(reference) != 1:
    sys.exit(f"{len(names)} layers and blobs, {len(image)} images, {len(reference)} references")
written = [i for i in places(r'^openat\(\d+<[^>]*/store/tmp/[^>]*>.*O_CREAT') if i < min(names)]
within(max(written), r'^syncfs\(', min(names), 'the data of the layers')
within(max(renamed_into('layers')), r'^fsync\(\d+<[^>]*/layers>', image[0], 'the names of the layers')
within(max(renamed_into('blobs/sha256')), r'^fsync\(\d+<[^>]*/blobs/sha256>', image[0], 'the names of the blobs')
within(max(names), r'^fsync\(\d+<[^>]*/images/', image[0], "the image's record")
within(image[0], r'^fsync\(\d+<[^>]*/images>', reference[0], "the image's name")
within(image[0], r'^fsync\(\d+<[^>]*/refs/', reference[0], 'the reference')
within(reference[0], r'^fsync\(\d+<[^>]*/refs>', len(events), "the reference's name")
PYTHON
}

# The process that unpacks sees nothing of the host and has no network.
test_unpacking_is_confined() {
    command -v strace >/dev/null || skip 'needs strace'
    make_image base docker image
    ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=pivot_root,umount2,capset,prctl,seccomp,execve,clone3 "$BERTH_IMPORTER" load -q --store=store image
    # A call that another process's interrupts stands in two lines.
    assert_match "$(grep -cE 'pivot_root(\("\.", "\."\)| resumed>\)) *= 0' trace)" '^[23]$'
    assert_match "$(cat trace)" 'CLONE_NEWNET'
    assert_match "$(cat trace)" 'PR_SET_NO_NEW_PRIVS, 1'
    assert_eq "$(grep -c 'execve(' trace)" 1
}

run_tests
