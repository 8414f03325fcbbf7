#!/bin/bash
# hosts: host
# prune: what goes, what stays, and who is asked. (Where the state is shared, it would take what other tests need.)
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

end() { # SUFFIX [OPTION...]
    local suffix=$1
    shift
    b run -d --name="$ID-$suffix" "$@" -D "$ROOT" /bin/sh -c 'echo x; exit 3' >/dev/null
    b wait "$ID-$suffix" >/dev/null
}

test_stopped_containers_go() {
    prepare
    end a
    end b
    start_in_background web
    b create --name="$ID-mine" -D "$ROOT" /bin/true >/dev/null
    expect_rc 0 b prune --force
    assert_match "$OUT" "container $ID-a"
    assert_match "$OUT" 'Removed 2 containers'
    assert_eq "$(b list --all --quiet | tr '\n' ' ')" "$ID-mine $ID-web "
    assert_removed "$ID-a"
    is_running "$ID-web"
    expect_rc 0 b prune
    assert_match "$OUT" 'Removed 0 containers, 0 records, 0 images'
    expect_rc 0 b start "$ID-mine"
    b wait "$ID-mine" >/dev/null
    # Its record belongs to a container that stays.
    expect_rc 0 b prune --force
    expect_rc 0 b wait "$ID-mine"
}

test_records_without_a_container_go() {
    prepare
    end gone --rm
    start_in_background web
    local log
    for log in old old:1 old:2; do echo x >"$BERTH_RUN/logs/$ID-$log"; done
    echo '{"schema":1,"code":4}' >"$BERTH_RUN/exits/$ID-lost"
    expect_rc 0 b prune --force
    assert_match "$OUT" "record and log of $ID-lost"
    assert_match "$OUT" "record and log of $ID-old"
    assert_eq "$(find "$BERTH_RUN"/{exits,logs} -type f -printf '%f ')" "$ID-web "
    assert_eq "$(find "$BERTH_RUN/locks" -type f -printf '%f ')" "$ID-web "
}

test_images() {
    prepare
    local one=one:1 two=two:1
    load_image "$one" '{"Cmd":["/bin/true"]}'
    load_image "$two" '{"Cmd":["/bin/false"]}'
    # A name that moves on leaves an image without one.
    load_image "$one" '{"Cmd":["/bin/sh"]}'
    expect_rc 0 b prune --force
    assert_match "$OUT" 'image sha256:[0-9a-f]+ \(without a name\)'
    assert_match "$OUT" 'Removed 0 containers, 0 records, 1 image\.'
    assert_eq "$(b images --no-legend | wc -l)" 2
    # With a name only on request, and never what a container uses or will.
    b run -d --name="$ID-web" "$one" /bin/sleep 1000 >/dev/null
    b create --name="$ID-later" "$two" >/dev/null
    expect_rc 0 b prune --force
    expect_rc 0 b prune --all --force
    assert_match "$OUT" '0 images'
    b rm "$ID-later"
    expect_rc 0 b prune --all --force
    assert_match "$OUT" 'image .*two:1'
    assert_match "$OUT" '1 image\.'
    b stop "$ID-web"
    expect_rc 0 b prune --all --force
    assert_match "$OUT" 'Removed 1 container, 0 records, 1 image\.'
    assert_eq "$(find "$BERTH_DATA_DIR"/{layers,blobs/sha256,images} -mindepth 1 | wc -l)" 0
}

test_it_asks() {
    prepare
    end a
    expect_rc 1 b prune </dev/null
    assert_match "$ERR" 'no terminal to ask on'
    assert_match "$ERR" '\-\-force'
    assert_eq "$(b list --all --quiet)" "$ID-a"
    expect_rc 1 "$HELPERS/on-tty" --expect 'y/N' --send 'n\n' -- "$BERTHCTL" prune
    assert_match "$OUT" 'Go on\?'
    assert_eq "$(b list --all --quiet)" "$ID-a"
    expect_rc 0 "$HELPERS/on-tty" --expect 'y/N' --send 'y\n' -- "$BERTHCTL" prune
    assert_eq "$(b list --all --quiet)" ''
    expect_rc 1 b prune "$ID-a"
    expect_rc 1 b prune --everything
}

run_tests
