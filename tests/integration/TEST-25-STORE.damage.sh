#!/bin/bash
# hosts: host
# Whatever happens to the image store, it holds what it says or says that it does not.
TEST_TIMEOUT=180 # what is written is synced, hundreds of times
. "$(dirname "$0")/containers.sh"

setup() {
    command -v python3 >/dev/null || skip 'needs python3'
    own_state
    STORE=$BERTH_DATA_DIR
    "$HELPERS/make-image" base docker good name=good:1
    "$HELPERS/make-image" nasty oci bad name=bad:1 layers=gzip
    b load --quiet good >/dev/null
    b load --quiet bad >/dev/null
}
field() { b inspect "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)[0]$2)"; }
hex() { printf '%s\n' "${1#sha256:}"; }
damage() { printf x | dd of="$1" bs=1 seek=50 conv=notrunc status=none; }
assert_well() { expect_rc 0 b verify --all; assert_eq "$OUT" ''; }
# The damage is named, the other image works, and loading repairs.
assert_found() { # ERE [OPTION]
    expect_rc 1 b verify "${@:2}"
    assert_match "$OUT" "$1"
    assert_match "$OUT" 'put aside'
    b save --file="saved-$RANDOM$RANDOM" good:1
    b load --quiet bad >/dev/null
    assert_well
}

test_a_store_without_damage() {
    setup
    assert_well
    expect_rc 0 b verify good:1
    assert_eq "$(b verify --output=json)" '[]'
}

test_damaged_blobs() {
    setup
    local blob
    for blob in "$(field bad:1 '["layers"][0]["blob"]')" "$(field bad:1 '["id"]')" "$(field bad:1 '["manifest"]')"; do
        damage "$STORE/blobs/sha256/$(hex "$blob")"
        assert_found "^blob $blob: its content is sha256:"
    done
    blob=$(field bad:1 '["layers"][0]["blob"]')
    rm "$STORE/blobs/sha256/$(hex "$blob")"
    expect_rc 1 b verify bad:1
    assert_match "$OUT" "^blob $blob: it is missing"
    b load --quiet bad >/dev/null
    assert_well
}

test_a_damaged_layer() {
    setup
    local layer=layers/$(hex "$(field bad:1 '["layers"][0]["diff_id"]')")
    local file
    file=$(find "$STORE/$layer" -type f -size +50c | head -n 1)
    damage "${file:-$(find "$STORE/$layer" -type f | head -n 1)}"
    # Not without looking at the files.
    expect_rc 0 b verify
    assert_found '^layer sha256:.* its files are not those of its blob' --all
    chown 77 "$STORE/$layer"
    assert_found '^layer sha256:' --all
    rm "$STORE/$layer.info"
    assert_found '^layer sha256:.* is missing'
}

test_damaged_names_and_records() {
    setup
    echo nonsense >"$STORE/refs/bad:1"
    assert_found '^name bad:1: '
    local record
    record=$STORE/images/$(hex "$(field bad:1 '["manifest"]')")
    echo '{' >"$record"
    assert_found '^image sha256:'
    # An image that is gone behind its name's back.
    rm "$record"
    expect_rc 1 b verify
    assert_match "$OUT" '^name bad:1: its image is not in the store'
    b load --quiet bad >/dev/null
    assert_well
}

# In whatever moment a command is killed: all that is named is whole.
test_killed_commands() {
    setup
    local i command
    for i in 0.{02,06,10,14,20,30}; do
        for command in 'load --quiet bad' 'tag good:1 more:1' 'rollback more:1' 'rmi --force bad:1' 'prune --all --force'; do
            # shellcheck disable=SC2086 # words
            timeout -s KILL "$i" "$BERTHCTL" $command >/dev/null 2>&1 || true
        done
        expect_rc 0 b verify --all
        [[ $i != 0.20 ]] || b load --quiet good >/dev/null
    done
    b load --quiet good >/dev/null
    b load --quiet bad >/dev/null
    assert_well
    b prune --force >/dev/null
    assert_eq "$(find "$STORE/tmp" -mindepth 1)$(find "$STORE" -name '.#*')" ''
}

# shellcheck disable=SC2016 # the inner shell's
test_two_hundred_commands_at_once() {
    setup
    TEST_TMP=$TEST_TMP timeout 55 xargs -P 8 -I{} sh -c '
        n={}
        case $((n % 8)) in
            0) "$BERTHCTL" load --quiet "$TEST_TMP/bad" ;;
            1) "$BERTHCTL" load --quiet "$TEST_TMP/good" --name=many:$n ;;
            2) "$BERTHCTL" tag good:1 mine:$((n % 5)) ;;
            3) "$BERTHCTL" rmi --force bad:1 ;;
            4) "$BERTHCTL" images --output=json ;;
            5) "$BERTHCTL" rollback mine:$((n % 5)) ;;
            6) "$BERTHCTL" prune --force ;;
            7) "$BERTHCTL" untag mine:$((n % 5)) ;;
        esac >>log 2>&1 || true' < <(seq 200) || fail 'something hangs'
    assert_no_match "$(cat log)" 'damaged|AddressSanitizer|runtime error'
    assert_well
    expect_rc 0 b inspect good:1
}

run_tests
