#!/bin/bash
# hosts: host
# cp, copy-to, copy-from, export: what is copied, and how, between here and containers that run or do not.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016
. "$(dirname "$0")/containers.sh"

# A container that runs in $ROOT until the test ends.
start_sleeper() { # [OPTION...]
    b run -d --name="$ID" "$@" -D "$ROOT" /bin/sleep 1000 >/dev/null
}

# Makes and loads an image of $ROOT, named after the test: a docker-archive of one layer.
load_image() {
    local work=$TEST_TMP/image
    mkdir -p "$work"
    tar -C "$ROOT" -cf "$work/layer.tar" .
    printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/bin/sleep","1000"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" "$(sha256sum "$work/layer.tar" | cut -d' ' -f1)" >"$work/config.json"
    printf '[{"Config":"config.json","RepoTags":["%s:1"],"Layers":["layer.tar"]}]' "${ID,,}" >"$work/manifest.json"
    tar -C "$work" -cf "$work/image.tar" manifest.json config.json layer.tar
    b load --quiet "$work/image.tar" >/dev/null
}

# The attribute user.note of a file, where the file system has such.
xattr() { # set|get FILE [VALUE]
    python3 -c 'import os, sys
try:
    if sys.argv[1] == "set": os.setxattr(sys.argv[2], "user.note", sys.argv[3].encode())
    else: print(os.getxattr(sys.argv[2], "user.note").decode())
except OSError: pass' "$@"
}

# A tree with one of each that a copy takes along.
make_tree() { # DIRECTORY
    mkdir -p "$1/sub/deep"
    echo one >"$1/file"
    echo two >"$1/sub/file"
    : >"$1/empty"
    ln "$1/file" "$1/sub/hard"
    ln -s ../file "$1/sub/soft"
    ln -s /etc/passwd "$1/absolute"
    ln -s nowhere "$1/dangling"
    mkfifo "$1/fifo"
    printf 'x' >"$1/with space and *?[ \\ and"$'\n'" newline"
    truncate -s 64M "$1/sparse"
    printf 'end' | dd of="$1/sparse" bs=1 seek=50000000 conv=notrunc status=none
    chmod 4755 "$1/file"
    chmod 1777 "$1/sub/deep"
    chown 1000:1000 "$1/sub/file"
    xattr set "$1/file" kept
    touch -h -d '2001-02-03 04:05:06.123456789Z' "$1"/{file,sub/file,sub/soft,fifo,sub/deep,sub} "$1"
}

# Names, kinds, sizes, times, link targets and which names are one file: what every copy keeps. Owners and modes apart.
list_tree() { # DIRECTORY
    (cd "$1" && find . ! -name . -printf '%p %y %s %T@ %l %n\n' | sed -E 's/^(\S+ d) [0-9]+ (\S+)  [0-9]+$/\1 \2/' | LC_ALL=C sort)
}

list_owners() { (cd "$1" && find . -printf '%p %U:%G %m\n' | LC_ALL=C sort); } # DIRECTORY

assert_same_tree() { # DIRECTORY DIRECTORY
    diff <(list_tree "$1") <(list_tree "$2")
    diff -r --no-dereference "$1" "$2" >/dev/null 2>differs || ! grep -v -e fifo -e '^$' differs
}

is_sparse() { [[ $(($(stat -c %b "$1") * 512)) -lt 1000000 ]]; } # FILE

# --- Trees ------------------------------------------------------------------------------------------------------------

test_tree_in_and_out() {
    prepare
    host_snapshot
    make_tree tree
    start_sleeper
    expect_rc 0 b cp tree "$ID:/mnt"
    assert_eq "$OUT$ERR" ''
    assert_same_tree tree "$ROOT/mnt/tree"
    is_sparse "$ROOT/mnt/tree/sparse"
    # Owners and what goes with them stay behind.
    assert_eq "$(stat -c '%u:%g %a' "$ROOT/mnt/tree/file" "$ROOT/mnt/tree/sub/file" | xargs)" '0:0 755 0:0 644'
    expect_rc 0 b cp "$ID:/mnt/tree" back
    assert_same_tree tree back
    is_sparse back/sparse
    assert_eq "$(xattr get "$ROOT/mnt/tree/file")$(xattr get back/file)" "$(xattr get tree/file)$(xattr get tree/file)"
    b stop -t 0 "$ID"
    assert_host_unchanged
}

test_archive() {
    prepare
    make_tree tree
    start_sleeper
    expect_rc 0 b cp -a tree "$ID:/mnt/tree"
    diff <(list_owners tree) <(list_owners "$ROOT/mnt/tree")
    expect_rc 0 b cp --archive "$ID:/mnt/tree" back
    diff <(list_owners tree) <(list_owners back)
}

# What machinectl's form does: the name itself, owners kept, set-ID bits only when asked, existing files only with --force.
test_copy_to_and_from() {
    prepare
    make_tree tree
    # With a user namespace everything would be root's inside (TEST-30-USERNS.verbs).
    start_sleeper --userns=host
    expect_rc 0 b copy-to "$ID" "$PWD/tree" /mnt/new
    assert_same_tree tree "$ROOT/mnt/new"
    assert_eq "$(stat -c '%u:%g %a' "$ROOT/mnt/new/file" "$ROOT/mnt/new/sub/file" | xargs)" '0:0 755 1000:1000 644'
    expect_rc 0 b copy-from "$ID" /mnt/new back
    assert_same_tree tree back
    assert_eq "$(stat -c '%u:%g' back/sub/file)" 1000:1000
    expect_rc 1 b copy-to "$ID" "$PWD/tree/file" /mnt/new/file
    assert_match "$ERR" 'exists'
    echo three >tree/file
    expect_rc 0 b copy-to --force "$ID" "$PWD/tree/file" /mnt/new/file
    assert_eq "$(cat "$ROOT/mnt/new/file")" three
    # A directory takes in the same one's files.
    mkdir -p more/sub
    echo four >more/sub/four
    expect_rc 0 b copy-to "$ID" "$PWD/more" /mnt/new
    assert_eq "$(cat "$ROOT/mnt/new/sub/four" "$ROOT/mnt/new/sub/file" | xargs)" 'four two'
    # The same path on both sides, missing parents on demand.
    expect_rc 1 b copy-to "$ID" "$PWD/more/sub/four"
    assert_match "$ERR" "--mkdir"
    expect_rc 0 b copy-to --mkdir "$ID" "$PWD/more/sub/four"
    assert_eq "$(cat "$ROOT$PWD/more/sub/four")" four
    rm more/sub/four
    expect_rc 0 b copy-from "$ID" "$PWD/more/sub/four"
    assert_eq "$(cat more/sub/four)" four
}

# --- Where a copy goes: docker-cp(1) ----------------------------------------------------------------------------------

test_targets() {
    prepare
    start_sleeper
    echo data >file
    mkdir -p tree/inner
    echo inner >tree/inner/file
    mkdir "$ROOT/mnt/dir"
    expect_rc 0 b cp file "$ID:/mnt/dir"
    expect_rc 0 b cp file "$ID:/mnt/dir/"
    expect_rc 0 b cp file "$ID:/mnt/dir/other"
    expect_rc 0 b cp file "$ID:mnt/relative"
    assert_eq "$(cat "$ROOT"/mnt/{dir/file,dir/other,relative} | xargs)" 'data data data'
    expect_rc 1 b cp file "$ID:/mnt/missing/"
    expect_rc 1 b cp file "$ID:/mnt/missing/file"
    [[ ! -e $ROOT/mnt/missing ]]
    expect_rc 0 b cp --mkdir file "$ID:/mnt/missing/deeper/file"
    assert_eq "$(cat "$ROOT/mnt/missing/deeper/file")" data
    # A directory beside, into, or only what is in it.
    expect_rc 0 b cp tree "$ID:/mnt/beside"
    expect_rc 0 b cp tree "$ID:/mnt/dir"
    expect_rc 0 b cp tree/. "$ID:/mnt/dir"
    assert_eq "$(cat "$ROOT"/mnt/{beside,dir/tree,dir}/inner/file | xargs)" 'inner inner inner'
    # Neither kind takes the other's place.
    expect_rc 1 b cp tree "$ID:/mnt/dir/other"
    mkdir "$ROOT/mnt/dir/file2"
    mv file file2
    expect_rc 0 b cp file2 "$ID:/mnt/dir/file2"
    expect_rc 1 b cp file2 "$ID:/mnt/dir/file2/../"
    assert_match "$ERR" directory
    [[ -d $ROOT/mnt/dir/file2 && -f $ROOT/mnt/dir/file2/file2 ]]
    # Out, into a directory, to a name, to the working directory.
    mkdir out
    expect_rc 0 b cp "$ID:/mnt/dir/other" out
    expect_rc 0 b cp "$ID:/mnt/dir/other" out/name
    expect_rc 0 b cp "$ID:/mnt/dir/other" .
    expect_rc 0 b cp "$ID:/mnt/beside/." out
    assert_eq "$(cat out/other out/name other out/inner/file | xargs)" 'data data data inner'
    expect_rc 1 b cp "$ID:/mnt/beside" out/name
    expect_rc 1 b cp "$ID:/mnt/nothing" out
    assert_match "$ERR" 'No such file'
}

test_attributes_of_what_was_there() {
    prepare
    start_sleeper
    mkdir -p tree/etc
    echo new >tree/etc/new
    chmod 700 tree tree/etc
    chmod 751 "$ROOT/etc"
    chown 1000:1000 "$ROOT/etc"
    expect_rc 0 b cp tree/. "$ID:/"
    assert_eq "$(stat -c '%u %a' "$ROOT/etc" "$ROOT" | xargs)" "1000 751 0 755"
    expect_rc 0 b cp -a tree/. "$ID:/"
    assert_eq "$(stat -c '%u %a' "$ROOT/etc")" '0 700'
}

# --- Links ------------------------------------------------------------------------------------------------------------

# Links on the way are followed as from inside; the last one is copied, unless asked otherwise.
test_links() {
    prepare
    start_sleeper
    mkdir -p "$ROOT/run/real" inside-name
    ln -s /run "$ROOT/var/run"
    ln -s ../../../../../../../run/real "$ROOT/var/climbs"
    echo inside >"$ROOT/run/real/file"
    ln -s /var/climbs/file "$ROOT/mnt/link"
    expect_rc 0 b cp "$ID:/var/run/real/file" a
    expect_rc 0 b cp "$ID:/var/climbs/file" b
    assert_eq "$(cat a b | xargs)" 'inside inside'
    expect_rc 0 b cp "$ID:/mnt/link" c
    assert_eq "$(readlink c)" /var/climbs/file
    expect_rc 0 b cp -L "$ID:/mnt/link" d
    assert_eq "$(cat d)" inside
    expect_rc 0 b cp -L "$ID:/var/climbs" e
    assert_eq "$(cat e/file)" inside
    # In: a directory behind a link takes the copy, another link makes room.
    expect_rc 0 b cp a "$ID:/var/run/real"
    assert_eq "$(cat "$ROOT/run/real/a")" inside
    ln -s "$PWD/canary" "$ROOT/mnt/out"
    expect_rc 0 b cp a "$ID:/mnt/out"
    [[ ! -e canary && -f $ROOT/mnt/out && ! -L $ROOT/mnt/out ]]
    # On this side, links are ours.
    ln -s inside-name here
    expect_rc 0 b cp "$ID:/mnt/link" here
    [[ -L inside-name/link ]]
    echo mine >mine
    ln -s mine to-mine
    expect_rc 0 b cp to-mine "$ID:/mnt/mine"
    assert_eq "$(readlink "$ROOT/mnt/mine")" mine
    expect_rc 0 b cp -L to-mine "$ID:/mnt/mine"
    assert_eq "$(cat "$ROOT/mnt/mine")" mine
}

# --- Stopped containers -----------------------------------------------------------------------------------------------

test_stopped_directory() {
    prepare
    host_snapshot
    b create --name="$ID" -D "$ROOT" /bin/true >/dev/null
    echo data >file
    expect_rc 0 b cp file "$ID:/etc/file"
    assert_eq "$(cat "$ROOT/etc/file")" data
    expect_rc 0 b cp "$ID:/etc/file" back
    assert_eq "$(cat back)" data
    assert_host_unchanged
}

test_stopped_image() {
    prepare
    load_image
    host_snapshot
    b create --name="$ID" "${ID,,}:1" >/dev/null
    echo data >file
    # Before it ever ran, from the layer alone.
    expect_rc 0 b cp "$ID:/etc/os-release" out
    cmp out "$ROOT/etc/os-release"
    expect_rc 0 b cp file "$ID:/etc/file"
    [[ ! -e $ROOT/etc/file ]]
    expect_rc 0 b cp "$ID:/etc/file" back
    assert_eq "$(cat back)" data
    # What was written before is there when it runs, and what it wrote and removed is seen when it has ended.
    b start "$ID" >/dev/null
    expect_rc 0 b exec "$ID" /bin/sh -c 'cat /etc/file; echo later >/etc/later; rm /etc/os-release; stat -c %a /'
    assert_eq "$OUT" $'data\n755'
    b stop -t 0 "$ID"
    expect_rc 0 b cp "$ID:/etc/later" later
    assert_eq "$(cat later)" later
    expect_rc 1 b cp "$ID:/etc/os-release" gone
    expect_rc 0 b cp later "$ID:/etc/os-release"
    b start "$ID" >/dev/null
    expect_rc 0 b exec "$ID" cat /etc/os-release
    assert_eq "$OUT" later
    b stop -t 0 "$ID"
    assert_host_unchanged
    b rm "$ID"
}

test_what_would_be_lost() {
    prepare
    echo data >file
    b create --name="$ID" --ephemeral -D "$ROOT" /bin/true >/dev/null
    expect_rc 1 b cp file "$ID:/etc/file"
    assert_match "$ERR" 'ephemeral'
    expect_rc 0 b cp "$ID:/etc/os-release" out
    [[ ! -e $ROOT/etc/file ]]
}

# --- Running ones: what is mounted there ------------------------------------------------------------------------------

test_running_image_and_volumes() {
    prepare
    load_image
    mkdir volume
    echo inside >volume/file
    b run -d --name="$ID" --bind="$PWD/volume:/mnt/volume" --tmpfs=/mnt/memory --bind-ro="$PWD/volume:/mnt/ro" "${ID,,}:1" >/dev/null
    echo data >file
    expect_rc 0 b cp file "$ID:/mnt/volume/new"
    assert_eq "$(cat volume/new)" data
    expect_rc 0 b cp "$ID:/mnt/volume" out
    assert_eq "$(cat out/file out/new | xargs)" 'inside data'
    expect_rc 0 b cp file "$ID:/mnt/memory/new"
    expect_rc 0 b exec "$ID" cat /mnt/memory/new
    assert_eq "$OUT" data
    expect_rc 1 b cp file "$ID:/mnt/ro/new"
    assert_match "$ERR" 'read-only'
    [[ ! -e volume/ro ]]
    # Kernel's file systems are no files; one that is named is.
    expect_rc 0 b cp "$ID:/proc/sys/kernel/ostype" ostype
    assert_eq "$(cat ostype)" Linux
    expect_rc 0 b cp "$ID:/" whole
    [[ -d whole/proc && -z $(ls whole/proc) && -z $(ls whole/sys) && -x whole/bin/busybox ]]
}

test_read_only_root() {
    prepare
    start_sleeper --read-only
    echo data >file
    expect_rc 1 b cp file "$ID:/etc/new"
    assert_match "$ERR" 'read-only'
    expect_rc 0 b cp file "$ID:/tmp/new"
    expect_rc 0 b cp "$ID:/tmp/new" new
    assert_eq "$(cat new)" data
}

# --- Streams ----------------------------------------------------------------------------------------------------------

test_stream_out() {
    prepare
    make_tree "$ROOT/mnt/tree"
    start_sleeper
    b cp "$ID:/mnt/tree" - >out.tar
    mkdir out
    tar -C out --xattrs -xpf out.tar
    assert_same_tree "$ROOT/mnt/tree" out/tree
    diff <(list_owners "$ROOT/mnt/tree") <(list_owners out/tree)
    # The holes are no part of the archive.
    (($(stat -c %s out.tar) < 1000000))
    b cp "$ID:/mnt/tree/." - | tar -tf - >list
    grep -qx './' list
    b cp "$ID:/etc/os-release" - | tar -xOf - os-release | cmp - "$ROOT/etc/os-release"
    expect_rc 1 b cp "$ID:/missing" -
    assert_match "$ERR" "No such file"
}

test_stream_in() {
    prepare
    make_tree tree
    start_sleeper
    tar -C tree --xattrs -cf tree.tar .
    b cp - "$ID:/mnt" <tree.tar
    assert_same_tree tree "$ROOT/mnt"
    assert_eq "$(stat -c '%u:%g %a' "$ROOT/mnt/file" "$ROOT/mnt/sub/file" | xargs)" '0:0 755 0:0 644'
    tar -C tree -S -cf - . | gzip | b cp -a --mkdir - "$ID:/mnt/new/dir"
    diff <(list_owners tree | sed 1d) <(list_owners "$ROOT/mnt/new/dir" | sed 1d)
    expect_rc 1 b cp - "$ID:/etc/missing" <tree.tar
    expect_rc 1 b cp - "$ID:/etc/os-release" <tree.tar
    expect_rc 1 b cp - "$ID:/mnt" <"$ROOT/bin/busybox"
    # There and back again, by two containers.
    b cp -L "$ID:/mnt" - | b cp -a - "$ID:/srv" || b cp -L "$ID:/mnt" - | b cp -a --mkdir - "$ID:/srv"
    assert_same_tree "$ROOT/mnt" "$ROOT/srv/mnt"
}

test_export() {
    prepare
    load_image
    b run -d --name="$ID" --tmpfs=/mnt "${ID,,}:1" >/dev/null
    b exec "$ID" /bin/sh -c 'echo new >/etc/new; rm /etc/group; echo volatile >/mnt/file'
    b export "$ID" >running.tar
    b stop -t 0 "$ID" 2>/dev/null || true
    tar -tf running.tar | sed 's,/$,,' | sort >list
    grep -qx etc/new list
    ! grep -qx etc/group list
    ! grep -q '^mnt/.' list
    ! grep -q '^proc/.' list
    grep -qx bin/busybox list
    tar -xOf running.tar etc/os-release | cmp - "$ROOT/etc/os-release"
}

# --- User namespaces --------------------------------------------------------------------------------------------------

# Owners go in and out by the number that they have inside; without --archive all is the container's root's.
test_user_namespace() {
    prepare
    b run -d --name="$ID" --userns=auto -D "$ROOT" /bin/sleep 1000 >/dev/null 2>err || { grep -q 'mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
    make_tree tree
    expect_rc 0 b cp tree "$ID:/mnt"
    expect_rc 0 b cp -a tree "$ID:/mnt/archive"
    expect_rc 0 b exec "$ID" stat -c '%u:%g %a' /mnt/tree /mnt/tree/file /mnt/tree/sub/file /mnt/tree/fifo /mnt/archive/file /mnt/archive/sub/file
    assert_eq "$(xargs <<<"$OUT")" '0:0 755 0:0 755 0:0 644 0:0 644 0:0 4755 1000:1000 644'
    expect_rc 0 b exec "$ID" /bin/sh -c 'echo changed >>/mnt/tree/sub/file && chown 1000 /mnt/tree/sub/file'
    expect_rc 0 b cp -a "$ID:/mnt/tree" back
    assert_eq "$(stat -c '%u:%g' back back/sub/file | xargs)" '0:0 1000:0'
    expect_rc 0 b cp "$ID:/mnt/tree" plain
    assert_eq "$(stat -c '%u:%g' plain/sub/file)" 0:0
    expect_rc 0 b copy-to "$ID" "$PWD/tree" /mnt/machinectl
    expect_rc 0 b exec "$ID" stat -c %u /mnt/machinectl/sub/file
    assert_eq "$OUT" 0
    tar -C tree -S -cf - . | b cp -a --mkdir - "$ID:/mnt/stream"
    expect_rc 0 b exec "$ID" stat -c %u /mnt/stream/sub/file
    assert_eq "$OUT" 1000
    b cp "$ID:/mnt/stream" - | tar -tvf - --numeric-owner >list
    grep -q '1000/1000.*stream/sub/file' list
    # Nor is anything of the host's root left on the disk that is not the container's.
    assert_eq "$(stat -c %u "$ROOT/mnt/tree/file" "$ROOT/mnt/archive/sub/file" | xargs)" '0 1000'
}

# --- What has changed -------------------------------------------------------------------------------------------------

diff_of() { b diff "$ID" | xargs -d '\n'; }

test_diff() {
    prepare
    mkdir -p "$ROOT/opt/keep" "$ROOT/opt/whole/sub"
    touch "$ROOT/opt/keep/a" "$ROOT/opt/keep/b" "$ROOT/opt/whole/x" "$ROOT/opt/whole/sub/y"
    load_image
    b run -d --name="$ID" --tmpfs=/mnt "${ID,,}:1" >/dev/null
    # Without mount points that the start itself made.
    b diff "$ID" >before
    b exec "$ID" /bin/sh -c 'echo x >>/etc/passwd; rm /opt/keep/a; mkdir /opt/new; echo n >/opt/new/file; ln -s / /opt/new/link
        rm -r /opt/whole; mkdir /opt/whole; touch /opt/whole/z; echo v >/mnt/volatile; rm -f /bin/dmesg; touch /opt/again; rm /opt/again
        chmod 700 /srv 2>/dev/null; true'
    b diff "$ID" >after
    assert_eq "$(grep -v -x -f before after | grep -v srv | xargs -d '\n')" 'C /bin D /bin/dmesg C /etc/passwd C /opt C /opt/keep D /opt/keep/a A /opt/new A /opt/new/file A /opt/new/link C /opt/whole D /opt/whole/sub D /opt/whole/x A /opt/whole/z'
    b diff --output=json "$ID" >json
    assert_eq "$(json json 'str(len(d)) + [i["kind"] for i in d if i["path"] == "/opt/keep/a"][0]')" "$(wc -l <after)D"
    # The same when it has ended.
    b stop -t 0 "$ID"
    b diff "$ID" >stopped
    diff after stopped
    b rm "$ID"
    # A directory keeps nothing apart, unless it is ephemeral.
    start_sleeper
    expect_rc 1 b diff "$ID"
    assert_match "$ERR" 'nothing apart'
    b rm --force "$ID"
    start_sleeper --ephemeral
    b exec "$ID" /bin/sh -c 'printf x >"/opt/$(printf "\\033[31m")"; rm /etc/os-release'
    expect_rc 0 b diff "$ID"
    assert_printable "$OUT_FILE"
    assert_match "$OUT" 'D /etc/os-release'
    assert_match "$OUT" 'A /opt/\\x1b'
    expect_rc 1 b diff nobody
}

# --- Words ------------------------------------------------------------------------------------------------------------

test_words() {
    prepare
    start_sleeper
    echo data >with:colon
    expect_rc 1 b cp with:colon "$ID:/mnt"
    expect_rc 0 b cp ./with:colon "$ID:/mnt"
    assert_eq "$(cat "$ROOT/mnt/with:colon")" data
    expect_rc 0 b cp "$ID:/mnt/with:colon" ./new:name
    assert_eq "$(cat ./new:name)" data
    expect_rc 1 b cp with:colon other
    expect_rc 1 b cp ./a ./b
    assert_match "$ERR" 'one of the two must be in a container'
    expect_rc 1 b cp "$ID:/a" "$ID:/b"
    expect_rc 1 b cp "$ID:" b
    expect_rc 1 b cp '' "$ID:/b"
    expect_rc 1 b cp ./with:colon nobody:/b
    assert_match "$ERR" "nobody"
    expect_rc 1 b cp ./with:colon "../x:/b"
    expect_rc 1 b cp - -
    expect_rc 1 b copy-from nobody /etc/passwd x
    expect_rc 1 b export nobody
    [[ ! -e other && ! -e b ]]
}

run_tests
