#!/bin/bash
# hosts: host
# What a container has written becomes an image: everything of it, and the same one every time.
. "$(dirname "$0")/containers.sh"

# An image of the test's root, with something to delete and to hide.
prepare_image() {
    prepare
    mkdir -p "$ROOT"/srv/{keep,gone,again/below}
    echo old | tee "$ROOT"/srv/{keep,gone,again}/file "$ROOT"/srv/again/below/deep "$ROOT"/srv/becomes-directory >/dev/null
    b import "$ROOT" base >/dev/null
}

changes='
    rm -r /srv/gone /srv/again /srv/becomes-directory
    mkdir -p /srv/again/below /srv/becomes-directory
    echo new >/srv/again/new
    echo one >/srv/one; ln /srv/one /srv/two
    ln -s ../nowhere /srv/link
    mkfifo /srv/fifo
    chown 1234:5678 /srv/one; chmod 4711 /srv/keep/file
    truncate -s 100M /srv/hole
    echo x >"/srv/.wh.keep"
    touch -d @1000000000 /srv/one'

# What a tree looks like from inside, sorted: type, mode, owner, links, size, name, link.
look='cd / && find srv | sort | while read -r f; do stat -c "%A %u:%g %h %s %n" "$f"; readlink "$f" || :; done'
see() { b run --rm --name="$ID-see" "$1" /bin/sh -c "$look"; }
# The part that is compared: directories of an overlay have no counts of links or sizes of their own.
comparable() { sed -E 's/^(d[^ ]* [^ ]*) [^ ]* [^ ]*/\1/' | grep -v '\.wh\.'; }
manifest_of() { b inspect "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["manifest"])'; }
start_changed() { # SUFFIX [OPTION...]
    local suffix=$1
    shift
    b run -d --name="$ID-$suffix" "$@" base /bin/sh -c "$changes; touch /ready; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done" >/dev/null
    retry_until "$SETTLE_TIMEOUT" b exec "$ID-$suffix" test -e /ready
}

test_an_image_has_what_the_container_saw() {
    prepare_image
    start_changed a
    local inside
    inside=$(b exec "$ID-a" /bin/sh -c "$look" | comparable)
    expect_rc 0 b commit "$ID-a" changed
    assert_match "$ERR" '\.wh\.keep.*left out'
    assert_match "$OUT" '^changed:latest sha256:'
    assert_eq "$(see changed | comparable)" "$inside"
    assert_match "$inside" '-rws--x--x 0:0 1 4 srv/keep/file'
    expect_rc 0 b commit --squash "$ID-a" squashed
    assert_eq "$(see squashed | comparable)" "$inside"
    assert_eq "$(b inspect squashed | python3 -c 'import json, sys; print(len(json.load(sys.stdin)[0]["layers"]))')" 1
    # A hole of 100 MB is none of the layer.
    assert_eq "$(find "$BERTH_DATA_DIR/blobs" -size +50M)" ""
}

test_the_same_files_are_the_same_image() {
    prepare_image
    start_changed a
    b commit "$ID-a" first >/dev/null
    sleep 1.1
    b commit --pause=no "$ID-a" second >/dev/null
    assert_eq "$(manifest_of second)" "$(manifest_of first)"
    SOURCE_DATE_EPOCH=1100000000 b commit "$ID-a" third >/dev/null
    assert_ne "$(manifest_of third)" "$(manifest_of first)"
    assert_eq "$(b inspect third | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["created"])')" 2004-11-09T11:33:20Z
    # It goes on afterwards.
    b exec "$ID-a" true
}

test_a_user_namespace_leaves_no_ids() {
    prepare_image
    if ! b run --rm --name="$ID-try" --userns=auto base true 2>/dev/null; then skip 'no user namespaces with images here'; fi
    start_changed a
    start_changed b --userns=auto
    b commit "$ID-a" plain >/dev/null
    b commit "$ID-b" mapped >/dev/null
    b commit --squash "$ID-b" flat >/dev/null
    assert_eq "$(see mapped | comparable)" "$(see plain | comparable)"
    assert_eq "$(see flat | comparable)" "$(see plain | comparable)"
}

test_changes_of_the_configuration() {
    prepare_image
    start_changed a
    b commit --change='CMD ["/bin/echo", "a b"]' --change='ENV A=1' --change 'label x="y z"' --change='EXPOSE 80 53/udp' \
        --change='WORKDIR /srv' --author=somebody --message=because "$ID-a" configured >/dev/null
    assert_eq "$(b run --rm --name="$ID-c" configured)" 'a b'
    assert_eq "$(b run --rm --name="$ID-c" configured /bin/sh -c 'echo $A $PWD')" '1 /srv'
    expect_rc 0 b history --output=json configured
    assert_match "$OUT" '"comment": "because"'
    assert_match "$(b inspect configured)" '"53/udp"'
    expect_rc 1 b commit --change='RUN id' "$ID-a" x
    assert_match "$ERR" 'instruction'
    expect_rc 1 b inspect x
}

test_what_cannot_be_committed() {
    prepare
    expect_rc 1 b commit nothing x
    b run -d --name="$ID-tree" -D "$ROOT" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >/dev/null
    expect_rc 1 b commit "$ID-tree" x
    assert_match "$ERR" "keeps nothing apart"
}

test_import_of_an_archive() {
    prepare
    tar -C "$ROOT" -czf "$TEST_TMP/root.tar.gz" .
    b import --change='CMD /bin/true' - flat <"$TEST_TMP/root.tar.gz" >/dev/null
    b run --rm --name="$ID-i" flat
    b import "$TEST_TMP/root.tar.gz" again >/dev/null
    assert_eq "$(b inspect again | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["layers"][0]["blob"][7:])')" \
        "$(sha256sum <"$TEST_TMP/root.tar.gz" | cut -d' ' -f1)"
}

run_tests
