#!/bin/bash
# hosts: vm
# cp and bind where SELinux confines containers and systemd is PID 1: what is copied in can be used inside, a unit goes on.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016
. "$(dirname "$0")/containers.sh"

test_copy_and_bind_under_systemd() {
    prepare
    tar -C "$ROOT" -cf layer.tar .
    printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/bin/sleep","1000"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" "$(sha256sum layer.tar | cut -d' ' -f1)" >config.json
    printf '[{"Config":"config.json","RepoTags":["%s:1"],"Layers":["layer.tar"]}]' "${ID,,}" >manifest.json
    tar -cf image.tar manifest.json config.json layer.tar
    b load --quiet image.tar >/dev/null
    b run -d --name="$ID" "${ID,,}:1" >/dev/null
    mkdir -p tree/sub
    echo data >tree/sub/file
    expect_rc 0 b cp tree "$ID:/mnt"
    # The confined payload reads and writes it.
    expect_rc 0 b exec "$ID" /bin/sh -c 'cat /mnt/tree/sub/file && echo more >>/mnt/tree/sub/file'
    assert_eq "$OUT" data
    expect_rc 0 b cp "$ID:/mnt/tree" back
    assert_eq "$(xargs <back/sub/file)" 'data more'
    tar -cf - tree | b cp - "$ID:/srv" 2>err || tar -cf - tree | b cp --mkdir - "$ID:/srv"
    expect_rc 0 b exec "$ID" cat /srv/tree/sub/file
    b export "$ID" | tar -tf - >list
    grep -qx 'srv/tree/sub/file' list
    expect_rc 0 b bind --mkdir "$ID" "$PWD/tree" /mnt/bound
    expect_rc 0 b exec "$ID" grep -q ' /mnt/bound ' /proc/self/mountinfo
    expect_rc 0 b unbind "$ID" /mnt/bound
    expect_rc 0 systemctl is-active "berth-$ID.scope"
    ! findmnt -rno TARGET | grep -q "bound" || fail 'the bind is seen on the host'
    expect_rc 0 b diff "$ID"
    assert_match "$OUT" 'A /mnt/tree/sub/file'
    b stop -t 0 "$ID"
    expect_rc 0 b cp "$ID:/mnt/tree/sub/file" after
    assert_eq "$(xargs <after)" 'data more'
    b rm "$ID"
}

run_tests
