#!/bin/bash
# hosts: host
# What is saved can be loaded here and by other people's tools, with the same digests and the same trees.
. "$(dirname "$0")/containers.sh"

need() { local tool; for tool; do command -v "$tool" >/dev/null || skip "needs $tool"; done; }
setup() {
    need python3 zstd
    own_state
}
make_image() { "$HELPERS/make-image" "$@"; }
# id, manifest and layers of an image.
digests_of() { b inspect "$1" | python3 -c 'import json, sys; i = json.load(sys.stdin)[0]; print(i["id"], i["manifest"], [l["blob"] for l in i["layers"]])'; }
anew() { rm -rf "$BERTH_DATA_DIR"; }

test_digests_stay() {
    setup
    local form layers before
    for layers in plain gzip zstd; do
        make_image nasty oci image name=web:1 layers="$layers"
        anew
        b load --quiet image >/dev/null
        b tag web:1 localhost/second:2
        before=$(digests_of web:1)
        for form in oci-archive docker-archive oci-dir; do
            rm -rf saved
            b save --format="$form" --file=saved web:1 second:2
            anew
            b load --quiet saved >/dev/null
            assert_eq "$(digests_of web:1)" "$before"
            assert_eq "$(digests_of localhost/second:2)" "$before"
        done
        rm -f image
    done
}

test_several_images_and_pipes() {
    setup
    make_image base docker first name=one:1
    make_image nasty oci second name=two:2
    b load --quiet first >/dev/null
    b load --quiet second >/dev/null
    local one two
    one=$(digests_of one:1) two=$(digests_of two:2)
    b save one:1 two:2 >both
    b save one:1 two:2 >again
    cmp both again
    anew
    b load --quiet - <both >/dev/null
    assert_eq "$(digests_of one:1) $(digests_of two:2)" "$one $two"
    expect_rc 1 b save --file=both one:1
    assert_match "$ERR" 'exists already'
    expect_rc 1 b save --file=third nothing
    [[ ! -e third ]]
}

test_a_damaged_blob_is_not_saved() {
    setup
    make_image base docker first name=one:1
    b load --quiet first >/dev/null
    local blob
    blob=$(b inspect one:1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["layers"][0]["blob"][7:])')
    printf x | dd of="$BERTH_DATA_DIR/blobs/sha256/$blob" bs=1 seek=100 conv=notrunc status=none
    expect_rc 1 b save --file=saved one:1
    assert_match "$ERR" "sha256:$blob is damaged"
    assert_eq "$(echo saved*)" 'saved*'
}

# An image made by a container, in every form.
commit_image() {
    prepare
    mkdir -p "$ROOT"/srv/{gone,again}
    echo old | tee "$ROOT"/srv/{gone,again}/file >/dev/null
    b import --change='CMD ["/bin/sh", "-c", "find /srv | sort; cat /srv/again/new"]' "$ROOT" localhost/base:1 >/dev/null
    b run --name="$ID-a" -d base:1 /bin/sh -c 'rm -r /srv/gone /srv/again; mkdir /srv/again; echo new >/srv/again/new; touch /ready; sleep 1000' >/dev/null
    retry_until "$SETTLE_TIMEOUT" b exec "$ID-a" test -e /ready
    b commit "$ID-a" localhost/made:1 >/dev/null
    b terminate "$ID-a"
}
made='/srv
/srv/again
/srv/again/new
new'

test_skopeo_reads_what_is_saved() {
    need skopeo umoci
    commit_image
    local form
    for form in oci-archive docker-archive; do
        b save --format="$form" --file="$form.tar" made:1
        skopeo copy --quiet "$form:$form.tar" "oci:$form:made"
        umoci unpack --image "$form:made" "bundle-$form" >/dev/null 2>&1
        assert_eq "$(cd "bundle-$form/rootfs" && find srv | sort)" "$(printf 'srv\nsrv/again\nsrv/again/new')"
        # And back.
        b load --quiet --name=back:1 "$form" >/dev/null
        assert_eq "$(b run --rm --name="$ID-s" back:1)" "$made"
    done
    b save --format=oci-dir --file=dir back:1
    skopeo inspect --raw oci:dir | sha256sum | cut -d' ' -f1 >raw
    assert_eq "sha256:$(cat raw)" "$(b inspect back:1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["manifest"])')"
}

test_podman_runs_what_is_saved() {
    need podman runc
    commit_image
    # crun does not run anything where cgroup v1 is mounted as well.
    local form storage=(--root "$TEST_TMP/podman" --runroot "$TEST_TMP/podman-run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc)
    for form in oci-archive docker-archive; do
        b save --format="$form" made:1 | podman "${storage[@]}" load -q >/dev/null
        assert_eq "$(podman "${storage[@]}" run --rm --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network none localhost/made:1)" "$made"
        podman "${storage[@]}" save -q --format="$form" -o "podman-$form" localhost/made:1
        podman "${storage[@]}" rmi -f localhost/made:1 >/dev/null
        b load --quiet --name=podman:1 "podman-$form" >/dev/null
        assert_eq "$(b run --rm --name="$ID-p" podman:1)" "$made"
    done
}

run_tests
