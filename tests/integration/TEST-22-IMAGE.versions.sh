#!/bin/bash
# hosts: host
# Names of images remember what they meant, and go back to it.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)

setup() {
    command -v python3 >/dev/null || skip 'needs python3'
    export BERTH_DATA_DIR=$TEST_TMP/store BERTH_RUN_DIR=$TEST_TMP/run BERTH_CONFIG_DIR=$TEST_TMP/etc
    "$here/helpers/make-image" base docker first name=web:1
    "$here/helpers/make-image" nasty docker second name=web:1
    "$BERTHCTL" load --quiet first >/dev/null
    "$BERTHCTL" load --quiet second >/dev/null
}
id_of() { "$BERTHCTL" inspect "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])'; }
values_of() { "$BERTHCTL" history --output=json "$1" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["values"]))'; }

test_rollback_goes_back_and_forth() {
    setup
    local second first
    second=$(id_of web:1)
    "$BERTHCTL" rollback web:1
    first=$(id_of web:1)
    assert_ne "$first" "$second"
    "$BERTHCTL" rollback web:1
    assert_eq "$(id_of web:1)" "$second"
    "$BERTHCTL" rollback web:1@3
    assert_eq "$(id_of web:1)" "$first"
    assert_eq "$(values_of web:1)" 5
    expect_rc 1 "$BERTHCTL" rollback web:1@5
    assert_match "$ERR" '4 earlier values'
}

test_tag_and_untag() {
    setup
    local id
    id=$(id_of web:1)
    "$BERTHCTL" tag web:1 localhost/live:2 live:3
    assert_eq "$(id_of live:2)" "$id"
    assert_eq "$(id_of live:3)" "$id"
    expect_rc 0 "$BERTHCTL" untag live:3 live:2 web:1
    assert_match "$OUT" 'localhost/live:2'
    # The image has no name any more, and is there.
    assert_eq "$(id_of "$id")" "$id"
    expect_rc 1 "$BERTHCTL" untag web:1
    expect_rc 1 "$BERTHCTL" untag "$id"
    assert_match "$ERR" 'ID of an image'
}

test_history_tells_layers_and_values() {
    setup
    expect_rc 0 "$BERTHCTL" history web:1
    assert_match "$OUT" 'LAYER +CREATED +SIZE'
    assert_match "$OUT" '@1 .* yes +load '
    "$BERTHCTL" rmi "$("$BERTHCTL" history --output=json web:1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["values"][1]["manifest"])')"
    expect_rc 0 "$BERTHCTL" history web:1
    assert_match "$OUT" '@1 .* no +load '
    expect_rc 1 "$BERTHCTL" rollback web:1
    assert_match "$ERR" 'no longer in the store'
}

run_tests
