#!/bin/bash
# hosts: host
# A registry that lies, stalls, leads elsewhere: a clear message, nothing kept, nothing told to others, and soon.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)

# The registry and another host that must learn nothing.
start_registries() {
    command -v python3 >/dev/null || skip 'needs python3'
    mkdir -p one other etc
    "$here/helpers/registry" "$PWD/other" --other >other/port &
    retry_until "$SETTLE_TIMEOUT" test -s other/port
    OTHER="http://127.0.0.1:$(<other/port)" "$here/helpers/registry" "$PWD/one" >one/port &
    retry_until "$SETTLE_TIMEOUT" test -s one/port
    registry=127.0.0.1:$(<one/port)
    export BERTH_DATA_DIR=$PWD/data BERTH_CONFIG_DIR=$PWD/etc REGISTRY_AUTH_FILE=$PWD/auth.json HOME=$PWD
    printf '[Registries]\nTimeout=1s\nRetryDelay=20ms\n[%s]\nInsecure=yes\n' "$registry" >etc/registries.conf
}

pull() { "$BERTHCTL" pull -q "$@"; }
set_password() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf user:secret | base64)" >auth.json; }

refuse() { # CASE ERE
    local rc=0
    pull "$registry/$1:1" >out 2>err || rc=$?
    assert_eq "$rc" 1
    grep -Eq "$2" err || { cat err >&2; fail "$1: not the message '$2'"; }
    [[ ! -s out ]] || fail "$1: prints $(<out)"
    assert_eq "$(find data -type f ! -name lock; ls -A data/tmp)" ''
    ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' err || fail "$1: raw characters"
}

test_bytes_that_are_not_those() {
    start_registries
    refuse short 'instead of'
    refuse long 'more than'
    refuse other-bytes 'digest|damaged|cut off'
    refuse wrong-range 'another part'
    refuse other-config 'instead of'
    refuse diff-id 'DiffID'
}

test_documents() {
    start_registries
    refuse huge 'more than'
    refuse both 'at the same time'
    refuse type 'which it is not'
    refuse inner-type 'does not fit'
    refuse path 'digest'
    refuse nested 'no image for'
    refuse error '403 .*DENIED'
    refuse absent '404'
}

test_time() {
    start_registries
    SECONDS=0
    refuse endless 'more than'
    refuse stall 'imed out|too slow'
    refuse busy '429'
    refuse loop '302'
    ((SECONDS < 30)) || fail "it took $SECONDS s"
}

test_places() {
    start_registries
    refuse file 'no TLS'
    refuse local '127.0.0.1'
    refuse realm-local '127.0.0.1'
    refuse realm-plain 'without TLS|no URL'
    assert_eq "$(cat other/log 2>/dev/null)" ''
}

test_passwords_stay() {
    start_registries
    set_password
    refuse realm 'another host'
    refuse realm-local 'another host'
    assert_eq "$(cat other/log 2>/dev/null)" ''
    refuse redirect 'digest|more than|bytes'
    grep -q 'GET /stolen - ' other/log || fail 'the redirect was not followed'
    ! grep -q 'Basic' other/log || fail 'the other host was told the password'
    ! grep -q secret err || fail 'the password is in a message'
}

test_helper_that_fails() {
    start_registries
    mkdir bin
    echo '{"credHelpers":{"'"$registry"'":"bad"}}' >auth.json
    refuse good 'cannot run the credential helper'
    printf '#!/bin/sh\nexit 3\n' >bin/docker-credential-bad
    chmod +x bin/docker-credential-bad
    PATH=$PWD/bin:$PATH refuse good 'docker-credential-bad failed'
    assert_eq "$(cat one/log 2>/dev/null)" ''
}

# Connections that break and servers that have enough: the same image in the end.
test_patience() {
    start_registries
    local name
    for name in good again broken restart bearer; do
        rm -rf data
        pull "$registry/$name:1" >out
        assert_eq "$(cut -d' ' -f1 out)" "$registry/$name:1"
        assert_eq "$(find data/layers -name file -size 600000c | wc -l)" 1
    done
    grep -q 'GET /v2/broken/blobs/.* bytes=250000-' one/log || fail 'no range was asked for'
    grep -q 'GET /v2/bearer/manifests/1 Bearer TOKEN-bearer' one/log || fail 'no token was shown'
}

test_credential_helper() {
    start_registries
    mkdir bin
    echo '{"credsStore":"good"}' >auth.json
    printf '#!/bin/sh\nread -r host\necho "{\\"Username\\":\\"user\\",\\"Secret\\":\\"secret\\"}"\n' >bin/docker-credential-good
    chmod +x bin/docker-credential-good
    PATH=$PWD/bin:$PATH refuse redirect 'digest|more than|bytes'
    grep -q "GET /v2/redirect/manifests/1 Basic $(printf user:secret | base64)" one/log || fail 'not the password of the helper'
}

run_tests
