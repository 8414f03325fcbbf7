#!/bin/bash
# hosts: host
# Images from Debian's docker-registry: plain, with TLS and with a password; platforms, mirrors, short names, run --pull=.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

test_plain() {
    start_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/a/good:1"
    expect_rc 1 pull "$registry/a/good:1"
    grep -q 'for a registry without TLS' <<<"$ERR"
    assert_eq "$(pull --tls-verify=no "$registry/a/good:1" | cut -d' ' -f1)" "$registry/a/good:1"
    # What is in the store is what skopeo sees in the registry.
    local digest
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/a/good:1")
    assert_eq "$("$BERTHCTL" inspect "$registry/a/good:1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["manifest"])')" "$digest"
    assert_eq "$(pull --tls-verify=no "$registry/a/good@$digest" | cut -d' ' -f1)" "$registry/a/good@$digest"
    "$BERTHCTL" inspect "$registry/a/good@$digest" >/dev/null
}

test_second_pull() {
    start_registry
    trust_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/good:1"
    pull "$registry/good:1" >/dev/null
    find data -type f -printf '%p %i %T@\n' | sort >before
    : >registry.log
    "$BERTHCTL" pull -q -o json "$registry/good:1" >out
    grep -q '"unchanged": true' out
    assert_eq "$(requests)" 1
    find data -type f -printf '%p %i %T@\n' | sort | diff before -
}

# Of two images with a layer in common the second fetches what is its own.
test_shared_layers() {
    start_registry
    trust_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/one:1"
    pull "$registry/one:1" >/dev/null
    skopeo copy -q --insecure-policy --src-tls-verify=false --dest-tls-verify=false "docker://$registry/one:1" "docker://$registry/two:1"
    "$BERTHCTL" rmi "$registry/one:1" >/dev/null
    pull "$registry/one:1" >/dev/null
    : >registry.log
    pull "$registry/two:1" >/dev/null
    ! grep -q 'blobs/sha256' registry.log || fail 'what is here was fetched again'
}

test_short_names_and_run() {
    start_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/good:1"
    expect_rc 1 pull good:1
    grep -q 'Search=' <<<"$ERR"
    printf '[Registries]\nSearch=%s/nothing %s\n[%s]\nInsecure=yes\n' "$registry" "$registry" "$registry" >etc/registries.conf
    expect_rc 125 "$BERTHCTL" run --print-plan --pull=never good:1 true
    grep -q 'no image' <<<"$ERR"
    "$BERTHCTL" run -q --print-plan good:1 true >plan
    grep -q exec plan
    : >registry.log
    "$BERTHCTL" run -q --print-plan good:1 true >plan
    assert_eq "$(requests)" 0
    "$BERTHCTL" run -q --print-plan --pull=newer good:1 true >plan
    (($(requests) > 0)) || fail 'nobody was asked'
    expect_rc 125 "$BERTHCTL" run --pull=sometimes good:1 true
    grep -q 'missing, newer' <<<"$ERR"
}

test_mirror() {
    start_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/cache/good:1"
    # The registry itself is not there at all.
    printf '[nowhere.invalid]\nMirror=%s/cache\n[%s]\nInsecure=yes\n' "$registry" "$registry" >etc/registries.conf
    assert_eq "$(pull nowhere.invalid/good:1 | cut -d' ' -f1)" nowhere.invalid/good:1
    printf 'Blocked=yes\n' >>etc/registries.conf
    sed -i '1a Blocked=yes' etc/registries.conf
    expect_rc 1 pull nowhere.invalid/good:1
    grep -q 'blocked' <<<"$ERR"
}

# A copy that was pushed is what was pulled, to the bit; what is there is not sent.
test_push() {
    start_registry
    trust_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/one/good:1"
    pull "$registry/one/good:1" >/dev/null
    expect_rc 0 "$BERTHCTL" push -q -o json "$registry/one/good:1" "$registry/two/good:2"
    grep -q 'mount=sha256' registry.log || fail 'the blob was not asked for from the other repository'
    assert_eq "$(skopeo inspect --raw --tls-verify=false "docker://$registry/two/good:2" | sha256sum)" \
        "$(skopeo inspect --raw --tls-verify=false "docker://$registry/one/good:1" | sha256sum)"
    copy --src-tls-verify=false "docker://$registry/two/good:2" dir:back
    # An image from a file, into an empty repository of a name that knows nothing of it.
    "$BERTHCTL" load -q --name=localhost/own:1 image.tar >/dev/null
    "$BERTHCTL" push -q localhost/own:1 "$registry/three/own:1" >out
    skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$registry/three/own:1" dir:own
    assert_eq "$(cut -d' ' -f2 out)" "sha256:$(sha256sum <own/manifest.json | cut -d' ' -f1)"
    : >registry.log
    "$BERTHCTL" push -q localhost/own:1 "$registry/three/own:1" >/dev/null
    ! grep -q 'http.request.method=P[OA]' registry.log || fail 'what is there was sent again'
    expect_rc 1 "$BERTHCTL" push -q localhost/nothing:1 "$registry/a:1"
    grep -q 'no image' <<<"$ERR"
    # The blobs that were sent are whole.
    rm -rf data
    pull "$registry/three/own:1" >/dev/null
}

test_tls_and_password() {
    { command -v openssl && command -v htpasswd; } >/dev/null || skip 'needs openssl and htpasswd'
    make_certificates IP:127.0.0.1
    htpasswd -Bbn user secret >htpasswd 2>/dev/null
    start_registry "auth: {htpasswd: {realm: x, path: $PWD/htpasswd}}" "tls: {certificate: $PWD/server.crt, key: $PWD/server.key}"
    make_image base docker image.tar name=good:1
    copy --dest-creds user:secret docker-archive:image.tar "docker://$registry/good:1"
    expect_rc 1 pull "$registry/good:1"
    grep -q "put its authority into" <<<"$ERR"
    mkdir -p "etc/certs.d/$registry"
    cp ca.crt "etc/certs.d/$registry/"
    expect_rc 1 pull "$registry/good:1"
    grep -q 'a password may be needed' <<<"$ERR"
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf user:wrong | base64)" >auth.json
    expect_rc 1 pull --authfile=auth.json "$registry/good:1"
    grep -q 'is refused' <<<"$ERR"
    ! grep -q wrong <<<"$ERR"
    # The file is root's alone, as podman writes it.
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf user:secret | base64)" >auth.json
    chmod 600 auth.json
    pull --authfile=auth.json "$registry/good:1" >/dev/null
    mkdir -p home/containers
    cp auth.json home/containers/
    pull "$registry/good:1" >/dev/null
    "$BERTHCTL" push -q "$registry/good:1" "$registry/new/good:1" >/dev/null
    pull "$registry/new/good:1" >/dev/null
}

test_certificate_of_another() {
    command -v openssl >/dev/null || skip 'needs openssl'
    make_certificates DNS:other.invalid
    start_registry "tls: {certificate: $PWD/server.crt, key: $PWD/server.key}"
    mkdir -p "etc/certs.d/$registry"
    cp ca.crt "etc/certs.d/$registry/"
    expect_rc 1 pull "$registry/good:1"
    grep -Eq "certificate|SSL" <<<"$ERR"
    [[ ! -e data/images ]] || assert_eq "$(ls data/images)" ''
}

# What comes from outside is read by a process that has nothing.
test_confinement() {
    command -v strace >/dev/null || skip 'needs strace'
    start_registry
    trust_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/good:1"
    ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=connect,setresuid,seccomp,landlock_restrict_self,execve "$BERTHCTL" pull -q "$registry/good:1" >/dev/null
    awk -v port="htons(${registry#*:})" '/setresuid\(65534/ { low[$1] = 1 } /connect\(/ && index($0, port) { n++; if (!low[$1]) bad = 1 }
        END { exit !(n > 0 && !bad) }' trace || fail 'a connection by a process that is not confined'
}

# Where the kernel has no Landlock, one fence less is said aloud, and there is no word about it where it has.
test_kernel_without_landlock() {
    command -v strace >/dev/null || skip 'needs strace'
    start_registry
    trust_registry
    make_image base docker image.tar name=good:1
    copy docker-archive:image.tar "docker://$registry/good:1"
    expect_rc 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=landlock_create_ruleset \
        -e inject=landlock_create_ruleset:error=EOPNOTSUPP "$BERTHCTL" pull -q "$registry/good:1"
    assert_match "$(<trace)" 'landlock_create_ruleset.*INJECTED'
    assert_match "$ERR" 'no Landlock'
    expect_rc 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=landlock_create_ruleset "$BERTHCTL" pull -q "$registry/good:1"
    if ! grep -Eq 'landlock_create_ruleset.*(EOPNOTSUPP|ENOSYS)' trace; then
        assert_no_match "$ERR" Landlock
    fi
}

run_tests
