#!/bin/bash
# hosts: host
# What kinds of images, layers and tokens registries have, from a real one; and a pull that is killed.
. "$(dirname "$0")/containers.sh"
. "$(dirname "$0")/registry.sh"

put() { "$here/helpers/registry-put" "$@"; }
field() { "$BERTHCTL" inspect "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)[0]$2)"; }
layout() { make_image "${1%%-*}" dir "$1" name= "${@:2}"; } # CASE[-NAME] OPTION...

start() {
    start_registry
    trust_registry
}

# The tree in the store is the same, however the layer was compressed and whatever it was called.
test_compressions() {
    start
    local how
    layout nasty-gzip layers=gzip
    put "$registry/x:gzip" nasty-gzip >/dev/null
    pull "$registry/x:gzip" >/dev/null
    field "$registry/x:gzip" '["layers"][0]["diff_id"]' >wanted
    for how in plain zstd; do
        layout "nasty-$how" "layers=$how"
        # As what it is, as something else, and as Docker's.
        for kind in --types '' --docker; do
            # shellcheck disable=SC2086 # no word for ''
            digest=$(put "$registry/x:$how$kind" $kind "nasty-$how")
            rm -rf data
            pull "$registry/x:$how$kind" >/dev/null
            assert_eq "$(field "$registry/x:$how$kind" '["layers"][0]["diff_id"]')" "$(<wanted)"
            assert_eq "$(field "$registry/x:$how$kind" '["manifest"]')" "$digest"
            expect_rc 0 "$BERTHCTL" verify --all
        done
    done
}

test_platforms() {
    start
    local kind own other digest
    own=$(layout base-own && python3 -c 'import glob, json; print(*{json.load(open(f)).get("architecture") for f in glob.glob("base-own/blobs/sha256/*") if b"rootfs" in open(f, "rb").read(99999)})')
    [[ $own == arm64 ]] && other=amd64 || other=arm64
    layout base-other "arch=$other"
    # Different images: what tells them apart is their layer.
    layout odd-six arch=arm
    layout base-seven arch=arm
    for kind in '' --docker; do
        # shellcheck disable=SC2086 # no word for ''
        digest=$(put "$registry/x:1" $kind "base-other=linux/$other" "base-own=linux/$own" odd-six=linux/arm/v6 base-seven=linux/arm/v7)
        rm -rf data
        pull "$registry/x:1" >/dev/null
        assert_eq "$(field "$registry/x:1" '["architecture"]')" "$own"
        pull --platform="linux/$other" "$registry/x:1" >/dev/null
        assert_eq "$(field "$registry/x:1" '["architecture"]')" "$other"
        pull --platform=linux/arm/v6 "$registry/x:1" >/dev/null
        assert_eq "$(field "$registry/x:1" '["layers"].__len__()')" 5
        pull --platform=linux/arm/v7 "$registry/x:1" >/dev/null
        assert_eq "$(field "$registry/x:1" '["layers"].__len__()')" 1
        # By the digest of the whole.
        pull "$registry/x@$digest" >/dev/null
        assert_eq "$(field "$registry/x@$digest" '["architecture"]')" "$own"
        rm -rf data
        expect_rc 1 pull --platform=linux/s390x "$registry/x:1"
        grep -q 'no image for linux/s390x' <<<"$ERR"
        expect_rc 1 pull --platform=linux/arm/v5 "$registry/x:1"
        expect_rc 1 pull --platform=windows/amd64 "$registry/x:1"
        grep -q 'only linux' <<<"$ERR"
        assert_eq "$(find data -type f ! -name lock)" ''
    done
    # An image that says nothing of platforms is judged by its configuration.
    put "$registry/x:other" base-other >/dev/null
    expect_rc 1 pull --platform="linux/$own" "$registry/x:other"
    grep -q "no image for linux/$own" <<<"$ERR"
}

# --- tokens ---

start_with_tokens() {
    command -v openssl >/dev/null || skip 'needs openssl'
    openssl req -x509 -newkey rsa:2048 -nodes -keyout token.key -out token.crt -subj /CN=test -days 2 2>/dev/null
    : >tokens.port
    "$here/helpers/token-service" "$PWD" >tokens.port &
    retry_until "$SETTLE_TIMEOUT" test -s tokens.port
    service=127.0.0.1:$(<tokens.port)
    start_registry "auth: {token: {realm: \"http://$service/token\", service: registry, issuer: test, rootcertbundle: $PWD/token.crt}}"
    printf '[%s]\nInsecure=yes\nRealm=%s\n' "$registry" "$service" >etc/registries.conf
    make_image base docker image.tar name=good:1
    "$BERTHCTL" load -q --name=localhost/own:1 image.tar >/dev/null
}

test_tokens_for_a_password() {
    start_with_tokens
    expect_rc 1 "$BERTHCTL" push -q localhost/own:1 "$registry/a/own:1"
    grep -q 'password may be needed' <<<"$ERR"
    expect_rc 1 "$BERTHCTL" login -u user --password-stdin "$registry" <<<wrong
    grep -q 'token service.*401' <<<"$ERR"
    "$BERTHCTL" login -u user --password-stdin "$registry" <<<secret >/dev/null
    "$BERTHCTL" push -q localhost/own:1 "$registry/a/own:1" >/dev/null
    rm -rf data
    : >tokens.log
    pull "$registry/a/own:1" >/dev/null
    assert_eq "$(<tokens.log)" 'GET known repository:a/own:pull'
}

# auth.json of who has logged in with a browser or a helper: no password, and a token that gets tokens.
test_refresh_tokens() {
    start_with_tokens
    mkdir -p home/containers
    printf '{"auths":{"%s":{"auth":"%s","identitytoken":"refresh-me"}}}' "$registry" "$(printf 'user:' | base64)" >home/containers/auth.json
    "$BERTHCTL" push -q localhost/own:1 "$registry/a/own:1" >/dev/null
    rm -rf data
    pull "$registry/a/own:1" >/dev/null
    ! grep -v '^POST known' tokens.log || fail 'the service was asked without the refresh token'
    sed -i s/refresh-me/refresh-you/ home/containers/auth.json
    expect_rc 1 pull "$registry/a/own:1"
    grep -q 'token service.*401' <<<"$ERR"
    ! grep -q 'refresh-you' <<<"$ERR" || fail 'the token is in a message'
}

# What one repository has is taken by another, with a token for both; what may not be read there is sent.
test_tokens_for_mounts() {
    start_with_tokens
    layout odd-many
    "$BERTHCTL" load -q --name=localhost/many:1 odd-many >/dev/null
    "$BERTHCTL" login -u user --password-stdin "$registry" <<<secret >/dev/null
    "$BERTHCTL" push -q localhost/many:1 "$registry/a/many:1" >/dev/null
    "$BERTHCTL" tag localhost/many:1 "$registry/a/many:1"
    : >tokens.log
    "$BERTHCTL" push -q -o json localhost/many:1 "$registry/b/many:1" >out
    grep -q '"sent_bytes": 0' out || fail "not taken from the other repository: $(<out)"
    grep -q 'repository:b/many:pull,push repository:a/many:pull' tokens.log
    "$BERTHCTL" untag "$registry/a/many:1"
    "$BERTHCTL" tag localhost/many:1 "$registry/closed/many:1"
    "$BERTHCTL" push -q -o json localhost/many:1 "$registry/c/many:1" >out
    ! grep -q '"sent_bytes": 0' out || fail 'taken from where it is not'
    rm -rf data
    pull "$registry/b/many:1" >/dev/null
    pull "$registry/c/many:1" >/dev/null
    expect_rc 0 "$BERTHCTL" verify --all
}

# --- with others ---

test_podman_runs_what_is_pushed() {
    command -v podman >/dev/null || skip 'needs podman'
    command -v runc >/dev/null || skip 'needs runc'
    prepare
    start
    local storage=(--root "$TEST_TMP/podman" --runroot "$TEST_TMP/podman-run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc)
    b import "$ROOT" base >/dev/null
    b run -d --name="$ID-a" base /bin/sh -c 'rm /etc/group; echo made >/etc/made; sleep 1000' >/dev/null
    retry_until "$SETTLE_TIMEOUT" b exec "$ID-a" test -e /etc/made
    b commit --change='CMD ["/bin/sh", "-c", "ls /etc/group; cat /etc/made"]' "$ID-a" made >/dev/null
    b push -q made "$registry/made:1" >out
    podman "${storage[@]}" pull -q --tls-verify=false "$registry/made:1" >/dev/null
    assert_eq "$(podman "${storage[@]}" image inspect --format '{{.Digest}}' "$registry/made:1")" "$(cut -d' ' -f2 out)"
    # crun does not run anything where cgroup v1 is mounted as well.
    assert_eq "$(podman "${storage[@]}" run --rm --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network none "$registry/made:1" 2>/dev/null)" made
    b terminate "$ID-a"
}

# --- kill -9 ---

_nobody_left() { ! pgrep -g "$1" >/dev/null && ! pgrep -f -- "--store=$BERTH_DATA_DIR" >/dev/null; }

# At any moment: what has a name is whole, the next pull is not disturbed, and what was begun goes.
test_killed_at_any_time() {
    command -v setsid >/dev/null || skip 'needs setsid'
    start
    local pid i begin whole_msec
    layout odd-many
    put "$registry/x:1" odd-many >/dev/null
    begin=$(date +%s%3N)
    pull "$registry/x:1" >/dev/null
    whole_msec=$(($(date +%s%3N) - begin))
    for ((i = 0; i < 10; i++)); do
        # Half of the time on top of what was left.
        ((i % 2 == 1)) || rm -rf data
        setsid "$BERTHCTL" pull -q "$registry/x:1" >/dev/null 2>&1 &
        pid=$!
        sleep "$(printf '%d.%03d' $((whole_msec * i / 9000)) $((whole_msec * i / 9 % 1000)))"
        kill -KILL -- "-$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        [[ -d data ]] || continue
        expect_rc 0 "$BERTHCTL" verify --all
        assert_eq "$OUT" ''
        [[ -z $("$BERTHCTL" images --quiet) ]] || "$BERTHCTL" inspect "$registry/x:1" >/dev/null
    done
    pull "$registry/x:1" >/dev/null
    expect_rc 0 "$BERTHCTL" verify --all
    retry_until "$SETTLE_TIMEOUT" _nobody_left "$pid"
    "$BERTHCTL" rmi "$registry/x:1" >/dev/null
    assert_eq "$(find data -type f ! -name lock; ls -A data/tmp data/layers)" $'data/layers:\n\ndata/tmp:'
}

run_tests
