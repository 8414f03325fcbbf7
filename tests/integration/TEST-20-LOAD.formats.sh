#!/bin/bash
# hosts: host vm
# `berthctl load` reads what other people's tools write, and makes the trees that they make.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
BERTH_IMPORTER=${BERTH_IMPORTER:-/usr/libexec/berth/berth-importer}

make_image() {
    { command -v python3 && command -v zstd; } >/dev/null || skip 'needs python3 and zstd'
    "$here/helpers/make-image" "$@"
}
load() { "$BERTH_IMPORTER" load --quiet --store="$TEST_TMP/store" "$@"; }
need() { local tool; for tool; do command -v "$tool" >/dev/null || skip "needs $tool"; done; }

# Manifest of a reference, and the layers of its image, highest first, joined with ":".
manifest_of() { sed -n '$s/^[0-9]* sha256:\([0-9a-f]*\) .*/\1/p' "$TEST_TMP/store/refs/${1//\//+}"; }
layers_of() { # REFERENCE
    python3 - "$TEST_TMP/store/images/$(manifest_of "$1")" <<'PYTHON'
import json, sys
record, seen = json.load(open(sys.argv[1])), []
for layer in reversed(record['layers']):
    if layer['diff_id'][7:] not in seen:
        seen.append(layer['diff_id'][7:])
    if layer.get('hides_lower'):
        break
print(':'.join('layers/' + name for name in seen))
PYTHON
}

# The image's tree as overlayfs shows it, listed. By mount(2): an option of fsconfig(2) ends at 255 bytes.
list_image() { # REFERENCE
    mkdir -p "$TEST_TMP/mount"
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --propagation private sh -c 'cd "$1" && LIBMOUNT_FORCE_MOUNT2=always mount -t overlay overlay -o "ro,lowerdir=$2" "$3" && "$4" "$3"' - \
        "$TEST_TMP/store" "$(layers_of "$1"):tmp" "$TEST_TMP/mount" "$here/helpers/list-tree"
}

assert_store_clean() {
    assert_eq "$(find "$TEST_TMP/store/tmp" -mindepth 1 | head -n 3)" ""
    assert_eq "$(find "$TEST_TMP/store" -name '.#*')" ""
}

# Blobs have the digest that they are named after.
assert_blobs_right() {
    local blob
    for blob in "$TEST_TMP"/store/blobs/sha256/*; do
        assert_eq "$(sha256sum <"$blob" | cut -d' ' -f1)" "${blob##*/}"
    done
}

test_every_format_gives_the_same_layers() {
    need zstd python3
    local form layers outer first='' now
    for form in docker oci dir; do
        for layers in plain gzip zstd; do
            for outer in plain gzip zstd; do
                [[ $form != dir || $outer == plain ]] || continue
                rm -rf image store
                make_image base "$form" image name=web:1 layers="$layers" outer="$outer"
                expect_rc 0 load image
                assert_match "$OUT" '^web:1 sha256:[0-9a-f]{64}$'
                now=$(list_image web:1 | grep -v "^'\.'")
                first=${first:-$now}
                assert_eq "$now" "$first"
                assert_blobs_right
                assert_store_clean
            done
        done
    done
    assert_match "$first" "'etc/passwd'"
}

test_member_order_and_standard_input() {
    local order form
    for order in first last; do
        for form in docker oci; do
            rm -rf store
            make_image base "$form" image order="$order" name=web:1
            expect_rc 0 load - <image
            assert_match "$OUT" '^web:1 '
        done
    done
}

test_docker_25_archives() {
    local layers
    for layers in plain gzip; do
        rm -rf store image layout
        make_image base both image layers="$layers" name=web:1
        make_image base dir layout layers="$layers" name=web:2
        expect_rc 0 load image
        assert_eq "${OUT%% *}" web:1
        expect_rc 0 load layout
        # The manifest of the layout inside is the image's own.
        assert_eq "$(manifest_of web:1)" "$(manifest_of web:2)"
    done
    # The promise of an index that is not kept does not matter when manifest.json is right.
    make_image base docker docker name=web:1
    mkdir parts && tar -xf docker -C parts
    echo '{"imageLayoutVersion": "1.0.0"}' >parts/oci-layout
    printf '{"schemaVersion": 2, "manifests": [{"digest": "sha256:%064d", "size": 3}]}' 0 >parts/index.json
    tar -cf image -C parts .
    expect_rc 0 load image
    expect_rc 0 load parts
}

test_names_from_the_file() {
    make_image base oci 'My Web_App-1.2.tar.gz' outer=gzip name=v3
    expect_rc 0 load 'My Web_App-1.2.tar.gz'
    assert_match "$OUT" '^localhost/my-web-app-1-2:v3 '
    expect_rc 0 load --name=r.example/a/b 'My Web_App-1.2.tar.gz'
    assert_match "$OUT" '^r.example/a/b:latest '
    expect_rc 0 load - <'My Web_App-1.2.tar.gz'
    assert_match "$OUT" '^<none> sha256:'
    expect_rc 1 load --name=Bad 'My Web_App-1.2.tar.gz'
    assert_match "$ERR" '^[^:]*: --name=Bad: '
}

test_json_result() {
    make_image base docker image name=r.example/a/web:1
    expect_rc 0 load --output=json image
    assert_eq "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["names"][0])' "$OUT_FILE")" r.example/a/web:1
}

test_platform_is_chosen() {
    make_image base oci image platforms=yes name=web:1
    expect_rc 0 load image
    expect_rc 1 load --architecture=s390x image
    assert_match "$ERR" 's390x'
}

test_odd_layers() {
    # Empty archives, an empty file as a layer, the same layer twice, a parent without an entry.
    make_image odd docker image layers=plain name=odd:1
    expect_rc 0 load image
    assert_match "$(list_image odd:1)" "'etc/new'"
    make_image empty oci image name=none:1
    expect_rc 0 load image
}

test_root_that_hides_everything_below() {
    make_image root-opaque docker image name=opaque:1
    expect_rc 0 load image
    assert_no_match "$(list_image opaque:1)" "passwd"
    assert_match "$(list_image opaque:1)" "'top'"
}

# What umoci gets wrong or cannot know: empty attributes, times of directories that it wrote into or had to invent.
comparable() {
    sed -e "s/ user\.empty=//" -e "s/^\('files'\|'\.'\) .*/\1/" -e "/^'files\/d\{60\}/s/\( d[rwx-]* [0-9:]*\) .*/\1/"
}

test_nasty_layer_is_what_umoci_makes() {
    need umoci
    make_image nasty dir image name=nasty:1 global=no
    expect_rc 0 load image
    umoci unpack --image image:nasty:1 bundle
    list_image nasty:1 | comparable >ours
    "$here/helpers/list-tree" bundle/rootfs | comparable >theirs
    diff -u theirs ours
    assert_match "$(wc -l <ours)" '^[6-9][0-9]$'
    # The root's attributes come from the highest layer that has them.
    assert_match "$(tr -d ' \n' <"store/images/$(manifest_of nasty:1)")" '"root":\{"mode":489,"uid":1,"gid":2\}'
    rm -rf store image
    make_image nasty docker image name=nasty:1
    expect_rc 0 load image
    list_image nasty:1 | comparable | diff -u theirs -
}

test_attributes_of_a_nasty_layer() {
    need getcap
    local tree
    make_image nasty docker image name=nasty:1
    expect_rc 0 load image
    tree=$(dirname "$(find store/layers -maxdepth 3 -path '*/files/setuid')")
    assert_eq "$(stat -c '%a %u %g' "$tree/setuid")" "4755 3 4"
    assert_match "$(getcap "$tree/capable")" 'cap_net_raw'
    assert_eq "$(stat -c '%t:%T %a' "$tree/null")" "1:3 666"
    assert_eq "$(stat -c %h "$tree/linked")" 3
    assert_eq "$(stat -c %s "$tree/sparse")" 1048576
    (($(stat -c %b "$tree/sparse") < 200))
    assert_eq "$(stat -c '%F %t:%T' "$tree/../gone")" "character special file 0:0"
    python3 - "$tree/../opaque-after" <<'PYTHON'
import os, sys
assert os.getxattr(sys.argv[1], 'trusted.overlay.opaque') == b'y'
PYTHON
}

test_skopeo_and_umoci_images() {
    need skopeo umoci
    make_rootfs root
    umoci init --layout layout
    umoci new --image layout:v1
    umoci unpack --image layout:v1 bundle
    cp -a root/. bundle/rootfs/
    umoci repack --image layout:v1 bundle
    rm -r bundle/rootfs/etc
    mkdir bundle/rootfs/new
    umoci repack --image layout:v1 bundle
    skopeo copy -q oci:layout:v1 docker-archive:docker.tar:web:1
    skopeo copy -q oci:layout:v1 oci-archive:oci.tar:web:2
    gzip -k docker.tar
    expect_rc 0 load layout
    assert_match "$OUT" '^localhost/layout:v1 sha256:'
    expect_rc 0 load docker.tar
    expect_rc 0 load docker.tar.gz
    expect_rc 0 load oci.tar
    assert_match "$OUT" '^web:2 sha256:'
    # The manifest keeps the digest that its maker gave it.
    assert_eq "$(manifest_of localhost/layout:v1)" "$(skopeo inspect --raw oci:layout:v1 | sha256sum | cut -d' ' -f1)"
    assert_eq "$(manifest_of web:2)" "$(manifest_of localhost/layout:v1)"
    assert_eq "$(find store/layers -maxdepth 1 -name '*.info' | wc -l)" "$(skopeo inspect oci:layout:v1 --format '{{len .Layers}}')"
    list_image localhost/layout:v1 >ours
    assert_no_match "$(cat ours)" "'etc/passwd'"
    assert_match "$(cat ours)" "'bin/busybox'"
    assert_blobs_right
}

test_the_same_image_again_and_many_at_once() {
    local i pids=()
    make_image nasty docker image name=web:1
    for i in 1 2 3 4 5 6; do
        load image >"out.$i" 2>"err.$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    assert_eq "$(cat out.* | sort -u | wc -l)" 1
    assert_eq "$(find store/images -type f | wc -l)" 1
    assert_eq "$(grep -c . store/refs/web:1)" 1
    assert_store_clean
    assert_match "$(list_image web:1)" "'files/setuid'"
}

test_modes_of_the_store() {
    umask 0
    make_image base docker image
    expect_rc 0 load image
    assert_eq "$(find store -type d -maxdepth 2 ! -path 'store/layers/*' ! -perm 700)" ""
    assert_eq "$(find store -type f ! -path 'store/layers/*/*' -perm /077)" ""
}

run_tests
