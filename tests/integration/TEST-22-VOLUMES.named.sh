#!/bin/bash
# hosts: host booted
# Named volumes: they outlive containers, begin with what the image has, are shared, and are removed when nobody needs them.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016
. "$(dirname "$0")/containers.sh"

prepare_volumes() {
    prepare
    VOLUMES=${BERTH_DATA_DIR:-/var/lib/berth}/volumes
    VOLUME=$ID-v
    on_exit _forget_volumes
}

# shellcheck disable=SC2317 # called by on_exit
_forget_volumes() {
    local name
    for name in $(b volume list --quiet); do
        [[ $name != "$ID"* ]] || b volume rm --quiet "$name" || true
    done
}

load_volume_image() {
    on_exit drop_image
    load_image "$(image)" '{"Cmd":["/bin/true"]}'
}

with_volume() { # SCRIPT [OPTION...]
    sh_in "$@" -v "$VOLUME:/data"
}

test_it_outlives_its_containers() {
    prepare_volumes
    expect_rc 0 with_volume 'echo kept >/data/file; stat -c "%u %a" /data'
    assert_eq "$OUT" '0 755'
    expect_rc 0 with_volume 'cat /data/file'
    assert_eq "$OUT" kept
    assert_eq "$(stat -c %a "$VOLUMES" "$VOLUMES/$VOLUME" | tr '\n' ' ')" '700 700 '
    expect_rc 0 run_in --mount="type=volume,src=$VOLUME,dst=/other,ro" /bin/cat /other/file
    assert_eq "$OUT" kept
    expect_rc 1 run_in --mount="type=volume,src=$VOLUME,dst=/other,ro" /bin/touch /other/new
    # Nothing is made by a plan.
    expect_rc 0 run_in --print-plan -v "$ID-plan:/data" /bin/true
    [[ ! -e $VOLUMES/$ID-plan ]]
    expect_rc 125 run_in -v a/b:/data /bin/true
    assert_match "$ERR" "neither an absolute path nor the name of a volume"
    expect_rc 125 run_in -v ..:/data /bin/true
    expect_rc 125 run_in -v .hidden:/data /bin/true
    expect_rc 125 run_in -v /srv:/data:nocopy /bin/true
}

test_with_ids_of_its_own() {
    prepare_volumes
    b run --rm --userns=auto --ephemeral --name="$ID" -D "$ROOT" -v "$VOLUME:/data" /bin/sh -c 'echo mapped >/data/file; chown 7:8 /data/file'
    assert_eq "$(stat -c '%u %g' "$VOLUMES/$VOLUME/data/file")" '7 8'
}

test_first_content_is_the_images() {
    prepare_volumes
    mkdir -p "$ROOT/srv/site/sub"
    echo page >"$ROOT/srv/site/index"
    echo deep >"$ROOT/srv/site/sub/file"
    ln -s ../../etc/passwd "$ROOT/srv/site/link"
    chown 33:34 "$ROOT/srv/site" "$ROOT/srv/site/index"
    chmod 2750 "$ROOT/srv/site"
    chmod 4755 "$ROOT/srv/site/sub/file"
    # With the owners that the files have.
    tar() {
        local words=() word
        for word; do [[ $word == --owner=0 || $word == --group=0 ]] || words+=("$word"); done
        command tar "${words[@]}"
    }
    load_volume_image
    unset -f tar
    expect_rc 0 b run --rm --name="$ID" -v "$VOLUME:/srv/site" "$(image)" /bin/sh -c 'stat -c "%n %u %g %a" /srv/site /srv/site/*; cat /srv/site/sub/file'
    assert_match "$OUT" '/srv/site 33 34 2750'
    assert_match "$OUT" '/srv/site/index 33 34 644'
    assert_match "$OUT" $'\ndeep$'
    assert_eq "$(readlink "$VOLUMES/$VOLUME/data/link")" ../../etc/passwd
    assert_eq "$(stat -c %a "$VOLUMES/$VOLUME/data/sub/file")" 4755
    # Only the first content.
    expect_rc 0 b run --rm --name="$ID" -v "$VOLUME:/srv/site" "$(image)" /bin/rm /srv/site/index
    expect_rc 0 b run --rm --name="$ID" -v "$VOLUME:/srv/site" "$(image)" /bin/ls /srv/site
    assert_no_match "$OUT" index
    expect_rc 0 b run --rm --name="$ID" -v "$ID-none:/srv/site:nocopy" "$(image)" /bin/ls -A /srv/site
    assert_eq "$OUT" ''
    # Where the image has nothing, and where it has a file.
    expect_rc 0 b run --rm --name="$ID" -v "$ID-new:/new" "$(image)" /bin/ls -A /new
    assert_eq "$OUT" ''
    expect_rc 125 b run --rm --name="$ID" -v "$ID-file:/etc/passwd" "$(image)" /bin/true
}

# A link in the image leads nowhere but inside it.
test_first_content_does_not_come_from_the_host() {
    prepare_volumes
    mkdir "$TEST_TMP/secret"
    echo secret >"$TEST_TMP/secret/file"
    ln -s "$TEST_TMP/secret" "$ROOT/absolute"
    ln -s "../../../../../../../../$TEST_TMP/secret" "$ROOT/relative"
    load_volume_image
    local name
    for name in absolute relative; do
        b run --rm --name="$ID" -v "$ID-$name:/$name" "$(image)" /bin/true || true
        [[ -z $(find "$VOLUMES" -name file -o -name secret) ]] || fail "a link of the image was followed on the host"
    done
}

test_verbs() {
    prepare_volumes
    expect_rc 0 b volume create "$VOLUME" "$ID-w"
    assert_eq "$OUT" "$VOLUME"$'\n'"$ID-w"
    # As docker has it: what is there is as good.
    expect_rc 0 b volume create --quiet "$VOLUME"
    assert_eq "$OUT" ''
    assert_match "$(b volume list)" "$VOLUME +no "
    assert_eq "$(b volume list -q | grep "^$ID")" "$VOLUME"$'\n'"$ID-w"
    assert_eq "$(b volume inspect "$VOLUME" | python3 -c 'import json,sys; v=json.load(sys.stdin)[0]; print(v["name"], v["used"], v["path"])')" \
        "$VOLUME no $VOLUMES/$VOLUME/data"
    expect_rc 1 b volume inspect "$ID-none"
    assert_match "$ERR" "no volume named"
    expect_rc 1 b volume create ../x
    assert_match "$ERR" "is not a name for a volume"
    expect_rc 1 b volume rm "$ID-none"
    expect_rc 0 b volume rm --force "$ID-none"
    expect_rc 1 b volume frob
    assert_match "$ERR" "create, list, inspect, rm or prune"
    expect_rc 1 b volume rm
    expect_rc 0 b volume rm "$VOLUME"
    [[ ! -e $VOLUMES/$VOLUME ]]
    assert_eq "$(find "$VOLUMES" -maxdepth 1 -name '.#*')" ''
}

test_what_is_used_stays() {
    prepare_volumes
    b run -d --name="$ID" -D "$ROOT" -v "$VOLUME:/data" /bin/sleep 1000 >/dev/null
    assert_match "$(b volume list)" "$VOLUME +running "
    expect_rc 1 b volume rm "$VOLUME"
    assert_match "$ERR" 'in use by a running container'
    # The supervisor is what holds it: its container is not gone when it is.
    b volume create --quiet "$ID-free"
    b stop -t 0 "$ID"
    assert_match "$(b volume list)" "$VOLUME +defined "
    expect_rc 1 b volume rm "$VOLUME"
    assert_match "$ERR" 'the definition of a container mounts'
    expect_rc 1 b volume prune
    expect_rc 0 b volume prune --force
    [[ -e $VOLUMES/$VOLUME && ! -e $VOLUMES/$ID-free ]]
    b rm "$ID"
    expect_rc 0 b volume rm "$VOLUME"
}

# Many starts at once fill it once, and none sees half of it.
test_many_at_once() {
    prepare_volumes
    mkdir "$ROOT/full"
    local i jobs=()
    for i in {1..60}; do echo "$i" >"$ROOT/full/$i"; done
    load_volume_image
    for i in 1 2 3 4 5 6; do
        b run --rm --name="$ID-$i" -v "$VOLUME:/full" "$(image)" /bin/sh -c 'ls /full | wc -l' >"count$i" &
        jobs+=($!)
    done
    wait "${jobs[@]}"
    assert_eq "$(cat count*)" $'60\n60\n60\n60\n60\n60'
}

test_by_definition() {
    prepare_volumes
    [[ $BERTH_HOST == host ]] || skip 'its unit is in TEST-14-UNITS'
    mkdir -p "$BERTH_CONFIG_DIR"
    printf '[Volume]\nVolumeName=%s\n' "$VOLUME" >"$BERTH_CONFIG_DIR/data.volume"
    printf '[Container]\nDirectory=%s\nVolume=data.volume:/data:ro\nExec=/bin/sleep 1000\n' "$ROOT" >"$BERTH_CONFIG_DIR/$ID.container"
    expect_rc 0 b start "$ID"
    assert_match "$(b volume list)" "$VOLUME +running "
    expect_rc 1 b exec "$ID" touch /data/x
    b stop -t 0 "$ID"
    expect_rc 1 b volume rm "$VOLUME"
    rm "$BERTH_CONFIG_DIR/data.volume"
    expect_rc 1 b start "$ID"
    assert_match "$ERR" "$ID.container:3: there is no 'data.volume'"
}

run_tests
