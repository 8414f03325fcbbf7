#!/bin/bash
# hosts: host
# login and logout: passwords of registries, in the files that podman, skopeo and docker read, or with a credential helper.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

# A registry with a password, and one image that only who has it can get.
start() {
    command -v htpasswd >/dev/null || skip 'needs htpasswd'
    htpasswd -Bbn user 'se:cret ' >htpasswd 2>/dev/null
    start_registry "auth: {htpasswd: {realm: x, path: $PWD/htpasswd}}"
    trust_registry
    make_image base docker image.tar name=good:1
    copy --dest-creds 'user:se:cret ' docker-archive:image.tar "docker://$registry/good:1"
}

login() { "$BERTHCTL" login --username=user --password-stdin "$registry"; }

test_password_from_standard_input() {
    start
    expect_rc 1 login <<<wrong
    grep -q 'is refused' <<<"$ERR"
    [[ ! -e home/containers/auth.json ]] || fail 'a wrong password is kept'
    expect_rc 0 login <<<'se:cret '
    grep -q "Logged in to $registry; .*home/containers/auth.json" <<<"$OUT"
    assert_eq "$(stat -c %a home/containers/auth.json)" 600
    pull "$registry/good:1" >/dev/null
    # What others read.
    skopeo inspect --tls-verify=false --authfile=home/containers/auth.json "docker://$registry/good:1" >/dev/null
    assert_eq "$(skopeo login --get-login --authfile=home/containers/auth.json "$registry")" user
    expect_rc 0 "$BERTHCTL" logout "$registry"
    grep -q 'Removed the password' <<<"$OUT"
    expect_rc 1 pull "$registry/good:1"
    grep -q "berthctl login $registry" <<<"$ERR"
    expect_rc 1 "$BERTHCTL" logout "$registry"
    grep -q 'no password' <<<"$ERR"
}

# The secret is neither echoed nor in the arguments of any process.
test_password_from_a_terminal() {
    command -v strace >/dev/null || skip 'needs strace'
    start
    expect_rc 0 "$here/helpers/on-tty" --expect 'User of' --send 'user\n' --expect Password: --send 'x\x15se:creX\x7ft \n' -- \
        env ASAN_OPTIONS=detect_leaks=0 strace -f -s 999 -o trace -e trace=execve "$BERTHCTL" login "$registry"
    grep -q 'Logged in' <<<"$OUT"
    ! grep -q 'se:cre' <<<"$OUT" || fail 'the password is shown'
    ! grep -q 'se:cre' trace || fail 'the password is an argument'
    pull "$registry/good:1" >/dev/null
    # Who changes their mind has a terminal as before.
    expect_rc 1 "$here/helpers/on-tty" --expect Password: --send 'x\x03' -- "$BERTHCTL" login -u user "$registry"
    expect_rc 0 "$here/helpers/on-tty" --expect Password: --send 'x\x03' -- \
        bash -c '"$0" login -u user "$1"; stty -a | grep -q " echo "' "$BERTHCTL" "$registry"
    expect_rc 1 "$BERTHCTL" login -u user "$registry" </dev/null
    grep -q 'password-stdin' <<<"$ERR"
}

# What others wrote is taken, kept, and taken away.
test_files_of_others() {
    start
    echo 'se:cret ' >secret
    skopeo login --tls-verify=false --authfile=auth.json -u user -p 'se:cret ' "$registry" >/dev/null
    pull --authfile=auth.json "$registry/good:1" >/dev/null
    mkdir -p home/.docker
    printf '{"x":{"y":[1]},"auths":{"https://other.invalid/v1/":{"auth":"dTpw"}}}' >home/.docker/config.json
    DOCKER_CONFIG=$PWD/home/.docker REGISTRY_AUTH_FILE=$PWD/home/.docker/config.json login <secret >out
    python3 - home/.docker/config.json "$registry" <<'EOF'
import json, sys
known = json.load(open(sys.argv[1]))
assert known["x"] == {"y": [1]} and sorted(known["auths"]) == sorted(["https://other.invalid/v1/", sys.argv[2]]), known
EOF
    # Wherever it is: a pull would find it there.
    login <secret >out
    expect_rc 0 "$BERTHCTL" logout "$registry"
    assert_eq "$(grep -c '^Removed' <<<"$OUT")" 2
    ! grep -q "$registry" home/.docker/config.json home/containers/auth.json || fail 'the password is still there'
    grep -q other.invalid home/.docker/config.json
    pull --authfile=auth.json "$registry/good:1" >/dev/null
}

test_link_and_damage() {
    start
    mkdir elsewhere
    ln -s elsewhere/real.json auth.json
    echo '{}' >elsewhere/real.json
    "$BERTHCTL" login --authfile=auth.json -u user --password-stdin "$registry" <<<'se:cret ' >/dev/null
    [[ -L auth.json ]] || fail 'the link was replaced'
    grep -q "$registry" elsewhere/real.json
    echo '{"auths":' >damaged.json
    expect_rc 1 "$BERTHCTL" login --authfile=damaged.json -u user --password-stdin "$registry" <<<'se:cret '
    assert_eq "$(<damaged.json)" '{"auths":'
    expect_rc 1 "$BERTHCTL" login -u user --password-stdin 'no/host' <<<x
    expect_rc 1 "$BERTHCTL" login -u user --password-stdin "$registry" <<<''
    grep -q 'is empty' <<<"$ERR"
}

# A helper keeps it, and no file does.
test_helper() {
    start
    mkdir bin
    cat >bin/docker-credential-box <<'EOF'
#!/bin/bash
case $1 in
store) cat >"$BOX" ;;
get) [[ -s $BOX ]] && cat "$BOX" || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm "$BOX" ;;
esac
EOF
    chmod +x bin/docker-credential-box
    export PATH=$PWD/bin:$PATH BOX=$PWD/box
    mkdir -p home/containers
    echo '{"credsStore":"box"}' >home/containers/auth.json
    expect_rc 0 login <<<'se:cret '
    grep -q docker-credential-box <<<"$OUT"
    assert_eq "$(<home/containers/auth.json)" '{"credsStore":"box"}'
    assert_eq "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["ServerURL"])' box)" "$registry"
    pull "$registry/good:1" >/dev/null
    expect_rc 0 "$BERTHCTL" logout "$registry"
    [[ ! -e box ]] || fail 'the helper was not told'
    printf '#!/bin/sh\ncat; exit 1\n' >bin/docker-credential-box
    expect_rc 1 login <<<'se:cret '
    grep -q 'failed to store' <<<"$ERR"
    ! grep -q 'se:cret' <<<"$ERR" || fail 'the password is in a message'
}

run_tests
