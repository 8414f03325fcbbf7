#!/bin/bash
# hosts: host
# df: what takes how much, and what is shared. prune: only what the filters say, and never what somebody is about to use.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"
. "$(dirname "$0")/registry.sh"

# base and odd have a layer in common, nasty has nothing of it.
load_images() {
    own_state
    local case
    for case in base odd nasty; do
        make_image "$case" oci "$case.tar" name="$case:1" layers=gzip
        b load --quiet "$case.tar" >/dev/null
    done
}
df_field() { # NAME FIELD
    b df --verbose --output=json | python3 -c 'import json, sys; print({row["name"]: row for row in json.load(sys.stdin)}[sys.argv[1]][sys.argv[2]])' "$@"
}
df_total() { # TYPE FIELD
    b df --output=json | python3 -c 'import json, sys; print({row["type"]: row for row in json.load(sys.stdin)}[sys.argv[1]][sys.argv[2]])' "$@"
}
names() { b images --no-legend | cut -d' ' -f1 | sort | tr '\n' ' '; }

test_df_counts_what_is_shared_once() {
    load_images
    local sum=0 case blobs
    for case in base odd nasty; do
        sum=$((sum + $(df_field "$case:1" own_bytes)))
    done
    assert_eq "$(df_field base:1 own_bytes)" 0
    assert_eq "$(df_field odd:1 shared_bytes)" "$(df_field base:1 size_bytes)"
    assert_eq "$(df_field nasty:1 shared_bytes)" 0
    assert_eq "$(df_total image size_bytes)" "$((sum + $(df_field base:1 shared_bytes)))"
    # A second name takes nothing, and the blobs are really there.
    b tag nasty:1 more:1
    assert_eq "$(df_total image count)" 3
    blobs=$(b inspect nasty:1 | python3 -c 'import json, sys; print(sum(layer["blob_bytes"] + layer["unpacked_bytes"] for layer in json.load(sys.stdin)[0]["layers"]))')
    assert_eq "$(df_field more:1 size_bytes)" "$blobs"
    # Of what is used nothing could go, nor what it shares.
    assert_eq "$(df_total image reclaimable_bytes)" "$(df_total image size_bytes)"
    b create --name=tdf odd:1 >/dev/null
    assert_eq "$(df_field odd:1 is_used)" True
    assert_eq "$(df_field base:1 is_used)" False
    assert_eq "$(df_total image reclaimable_bytes)" "$(df_field more:1 own_bytes)"
    expect_rc 0 b df
    assert_match "$OUT" 'image +3 +1 '
    assert_match "$OUT" 'container +1 +0 '
}

test_df_of_containers_and_volumes() {
    prepare
    load_image web:1 '{"Cmd":["/bin/true"]}'
    b run --name="$ID-big" -v "$ID-v:/v" web:1 /bin/sh -c 'dd if=/dev/zero of=/big bs=1M count=3; dd if=/dev/zero of=/v/big bs=1M count=2; ln /big /same' 2>/dev/null
    assert_match "$(df_field "$ID-big" size_bytes)" '^3[0-9]{6}$'
    assert_match "$(df_field "$ID-v" size_bytes)" '^2[0-9]{6}$'
    assert_match "$(df_total container reclaimable_bytes)" '^3[0-9]{6}$'
    b prune --force >/dev/null
    assert_eq "$(df_total container size_bytes)" 0
}

test_prune_filters() {
    load_images
    b tag base:1 other:1
    expect_rc 0 b prune --all --dry-run --filter=reference='o*'
    assert_match "$OUT" 'image odd:1'
    assert_match "$OUT" 'image other:1'
    assert_no_match "$OUT" 'nasty|Removed'
    assert_eq "$(names)" 'base:1 nasty:1 odd:1 other:1 '
    expect_rc 0 b prune --all --force --filter=reference='o*'
    assert_eq "$(names)" 'base:1 nasty:1 '
    # Older than an hour is nothing yet; older than nothing, all.
    b prune --all --force --filter=until=1h >/dev/null
    assert_eq "$(names)" 'base:1 nasty:1 '
    b prune --all --force --filter=label=a=c >/dev/null
    b prune --all --force --filter=label=b >/dev/null
    b prune --all --force --filter=type=container >/dev/null
    assert_eq "$(names)" 'base:1 nasty:1 '
    b prune --all --force --filter=label=a=b --filter=until=0s --filter=reference='nasty*' >/dev/null
    assert_eq "$(names)" 'base:1 '
    b prune --all --force --filter=label=a --filter=type=image >/dev/null
    assert_eq "$(names)" ''
    expect_rc 0 b prune --dry-run
    assert_match "$OUT" 'nothing to remove'
    local bad
    for bad in until=yesterdayish label size=1 type=x; do
        expect_rc 1 b prune --all --force --filter="$bad"
    done
}

test_prune_containers_by_age() {
    prepare
    local suffix
    for suffix in a b; do
        b run -d --name="$ID-$suffix" -D "$ROOT" /bin/true >/dev/null
        b wait "$ID-$suffix" >/dev/null
    done
    b prune --force --filter=until=1h >/dev/null
    assert_eq "$(b list --all --quiet | wc -l)" 2
    # What chooses images leaves containers alone.
    b prune --force --filter=reference='*' >/dev/null
    assert_eq "$(b list --all --quiet | wc -l)" 2
    b prune --force --filter=until=0s >/dev/null
    assert_eq "$(b list --all --quiet)" ''
}

test_images_filters_and_format() {
    load_images
    b tag base:1 other:1
    assert_eq "$(b images --filter=reference='o*' --format=reference | sort | tr '\n' ' ')" 'odd:1 other:1 '
    assert_eq "$(b images --filter=label=a=b --filter=reference=nasty:1 --filter=until=0s --quiet | wc -l)" 1
    assert_eq "$(b images --filter=label=a=c --quiet)$(b images --filter=until=1h --quiet)" ''
    b untag nasty:1
    assert_eq "$(b images --filter=dangling=yes --format=reference,/reference)" $'-\t-'
    assert_eq "$(b images --filter=dangling=no --no-legend | wc -l)" 3
    assert_eq "$(b inspect --format=architecture,/config/Env/0,/config/ExposedPorts,/config/ExposedPorts/80~1tcp,/layers/7 base:1)" \
        "$(b inspect base:1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["architecture"])')"$'\tPATH=/bin\t{"80/tcp":{}}\t{}\t-'
    assert_eq "$(b inspect --format=/references/0 base:1 odd:1 | tr '\n' ' ')" 'base:1 odd:1 '
    expect_rc 1 b images --format=referense
    assert_match "$ERR" "did you mean 'reference'"
    expect_rc 1 b images --filter=dangling=maybe
    expect_rc 1 b inspect --format=, base:1
}

test_diff_of_images() {
    prepare
    mkdir -p "$ROOT"/srv/{same,gone,mode}
    echo one | tee "$ROOT"/srv/{same,gone,mode}/file "$ROOT"/srv/{content,time,xattr,kind} >/dev/null
    ln -s here "$ROOT/srv/link"
    touch -d @1000000000 "$ROOT"/srv/*
    b import "$ROOT" old >/dev/null
    rm -r "$ROOT"/srv/{gone,kind,link}
    mkdir "$ROOT/srv/kind"
    ln -s else "$ROOT/srv/link"
    touch -h -d @1000000000 "$ROOT/srv/link"
    chmod 700 "$ROOT/srv/mode"
    # The same size and the same time.
    echo two >"$ROOT/srv/content"
    echo new >"$ROOT/srv/new"
    touch -d @1000000000 "$ROOT/srv/content"
    touch -d @1000000001 "$ROOT/srv/time"
    setcap cap_net_raw+ep "$ROOT/srv/xattr" 2>/dev/null ||
        python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))' "$ROOT/srv/xattr"
    touch -d @1000000000 "$ROOT/srv/xattr"
    b import "$ROOT" new >/dev/null
    assert_eq "$(b diff old new | tr '\n' ' ')" 'C /srv/content D /srv/gone C /srv/kind C /srv/link C /srv/mode A /srv/new C /srv/time C /srv/xattr '
    assert_eq "$(b diff new old | tr '\n' ' ')" 'C /srv/content A /srv/gone A /srv/gone/file C /srv/kind C /srv/link C /srv/mode D /srv/new C /srv/time C /srv/xattr '
    assert_eq "$(b diff old old)" ''
    # The layers do not matter, only what is seen.
    b run -d --name="$ID" old /bin/sh -c 'rm -r /srv/gone; echo x >/srv/more; rm /srv/more; : >/ready; sleep 1000' >/dev/null
    retry_until "$SETTLE_TIMEOUT" b exec "$ID" test -e /ready
    b commit "$ID" two >/dev/null
    assert_eq "$(b diff old two | grep -v /etc/host | tr '\n' ' ')" 'A /ready D /srv/gone '
    assert_eq "$(b diff --output=json old two | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["kind"])')" D
    expect_rc 1 b diff old nothing
}

# Flat: what the layers together show, without what they delete, and the same again when it is imported.
test_export_of_an_image() {
    load_images
    b export nasty:1 >flat.tar
    tar -tf flat.tar >names
    grep -q '^\(\./\)\?opaque-before/new$' names
    ! grep -q 'opaque-before/old\|gone\|\.wh\.\.wh' names || fail 'what is deleted is in the archive'
    b import flat.tar flat >/dev/null
    assert_eq "$(b diff nasty:1 flat)" ''
    assert_eq "$(b diff flat nasty:1)" ''
    expect_rc 1 b export nothing:1
}

# Whoever starts has all of the image, or is told that there is none; whoever pulls gets it.
test_prune_races_with_starts_and_pulls() {
    prepare
    start_registry
    trust_registry
    export BERTH_DATA_DIR=$TEST_TMP/state/data BERTH_CONFIG_DIR=$PWD/etc
    load_image web:1 '{"Cmd":["/bin/true"]}'
    b push -q web:1 "$registry/web:1" >/dev/null
    local i rc pruner starts=0
    : >prune.log
    ({ set +x; } 2>/dev/null; while [[ ! -e enough ]]; do b prune --all --force >/dev/null 2>>prune.log || echo "exit $?" >>prune.log; done) &
    pruner=$!
    for ((i = 0; i < 12; i++)); do
        b pull -q "$registry/web:1" >/dev/null
        rc=0
        b run --rm --pull=never --name="$ID-$i" "$registry/web:1" >run.log 2>&1 || rc=$?
        ((rc == 0 || rc == 125)) || fail "a start ends with $rc: $(<run.log)"
        ((rc == 0)) || grep -q 'no image' run.log || fail "a start fails with: $(<run.log)"
        starts=$((starts + (rc == 0)))
        rc=0
        b run --rm --name="$ID-$i-pulled" "$registry/web:1" >run.log 2>&1 || rc=$?
        ((rc == 0 || rc == 125)) || fail "a start ends with $rc: $(<run.log)"
        starts=$((starts + (rc == 0)))
    done
    : >enough
    wait "$pruner"
    ((starts > 0)) || fail 'nothing ever started'
    sort -u prune.log | grep -v "being loaded" >unwanted || true
    [[ ! -s unwanted ]] || fail "prune fails: $(<unwanted)"
    expect_rc 0 b verify --all
    assert_eq "$OUT" ''
    b pull -q "$registry/web:1" >/dev/null
    b run --rm --name="$ID-last" "$registry/web:1"
}

run_tests
