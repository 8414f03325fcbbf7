#!/bin/bash
# hosts: host
# cp against a container that fights back: races about every component of a path, names, special files, sizes, libraries.
# Nothing outside the container's root may be read or changed, and nothing may hang.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016
. "$(dirname "$0")/containers.sh"

# A tree outside of the root, whose bytes must be seen nowhere else and which must not change.
prepare_canary() {
    CANARY=$TEST_TMP/canary
    mkdir -p "$CANARY/sub"
    echo 'bytes of the canary' | tee "$CANARY/file" >"$CANARY/sub/file"
    chmod 700 "$CANARY"
    CANARY_STATE=$(canary_state)
}

canary_state() {
    (cd "$CANARY" && find . -printf '%p %y %m %U:%G %s %T@ %C@\n' | LC_ALL=C sort && sha256sum file sub/file)
}

assert_canary_untouched() { # [DIRECTORY that must hold none of its bytes]...
    { local - && set +x; } 2>/dev/null
    diff <(printf '%s\n' "$CANARY_STATE") <(canary_state) || fail 'the canary has changed'
    for place; do
        ! grep -rq 'bytes of the canary' "$place" || fail "bytes of the canary are in $place"
    done
}

start_sleeper() { # [OPTION...]
    b run -d --name="$ID" "$@" -D "$ROOT" /bin/sleep 1000 >/dev/null
}

# Starts a container whose payload exchanges the given pairs of names, in /race.
start_racer() { # SEED A B [A B]...
    b run -d --name="$ID" --workdir=/race -D "$ROOT" /bin/racer "$@" >/dev/null
    retry_until "$SETTLE_TIMEOUT" says racing b logs "$ID"
}

# C1, C4, C6. Twenty directories and as many links that lead out, absolutely and by "..", exchanged under our hands, some
# hundred thousand times: each copy meets all of them on its way, in both directions and as streams. The 10,000 rounds each
# way are in tests/unit/tree/test-race.c.
#
# Resolving and the empty root of the child each hold on their own, so a break of one alone does not show here. Seen to
# fail in the first copies with both gone: RESOLVE_RULE and PLAIN_RULE 0, no O_NOFOLLOW in open_place() (the unit test has
# these one by one), and tree/worker.c giving the child the host's "/" instead of an empty root.
test_races() {
    prepare
    prepare_canary
    install_helper racer
    local i pairs=() end passed=0 failed=0
    mkdir -p "$ROOT/race/up" from
    for ((i = 0; i < 20; i++)); do
        mkdir -p "$ROOT/race/up/d$i/sub" "from/up/d$i/sub"
        echo inside >"$ROOT/race/up/d$i/sub/file"
        echo inside >"from/up/d$i/sub/new"
        if ((i % 2)); then ln -s "$CANARY" "$ROOT/race/up/l$i"; else ln -s "../../../../../../../../../..$CANARY" "$ROOT/race/up/l$i"; fi
        pairs+=("up/d$i" "up/l$i")
    done
    mkdir -p "$ROOT/race/one/file-is-here"
    ln -s "$CANARY" "$ROOT/race/two"
    start_racer 4711 "${pairs[@]}" one two
    end=$((SECONDS + 12))
    for ((i = 0; SECONDS < end; i++)); do
        rm -rf out
        case $((i % 5)) in
            0) b cp from/. "$ID:race" ;;
            1) b cp "$ID:race" out ;;
            2) b cp "$ID:race/up/d$((i % 20))/sub/file" out ;;
            3) tar -C from -cf - . | b cp - "$ID:race" ;;
            4) mkdir out && b cp "$ID:race" - 2>/dev/null | tar -C out -xf - ;;
        esac >/dev/null 2>err && passed=$((passed + 1)) || failed=$((failed + 1))
        ! grep -q -i -e sanitizer -e 'ended before' err || fail "$(cat err)"
        [[ ! -e out ]] || ! grep -rq 'bytes of the canary' out || fail "copy $i has bytes of the canary"
    done
    printf 'copies: %d passed, %d failed\n' "$passed" "$failed"
    ((passed > 0))
    assert_canary_untouched "$ROOT/race"
    [[ -z $(find "$CANARY" -name new) ]]
}

# C2, A11: what a name or a link holds is never looked at as a pattern, an option or a path here.
test_names_and_links() {
    prepare
    prepare_canary
    mkdir -p "$ROOT/mnt/t"
    local name names=('*' '[a-z]*' '?' '-rf' '--archive' '$(touch x)' $'new\nline' $'\e[31mred' ' ' '%s%n' 'a\b' '~' '{a,b}')
    for name in "${names[@]}"; do
        echo "$name" >"$ROOT/mnt/t/$name"
        ln -s "$CANARY/file" "$ROOT/mnt/t/$name.link"
        ln -s "$CANARY" "$ROOT/mnt/t/$name.dir"
    done
    start_sleeper
    for name in "${names[@]}"; do
        rm -rf copy
        expect_rc 0 b cp "$ID:/mnt/t/$name" copy
        assert_eq "$(cat copy)" "$name"
        expect_rc 0 b cp "$ID:/mnt/t/$name.link" copy
        assert_eq "$(readlink copy)" "$CANARY/file"
        # Followed, it is a name in the container, where there is none such.
        expect_rc 1 b cp -L "$ID:/mnt/t/$name.link" copy2
        assert_printable "$ERR_FILE"
        expect_rc 1 b cp "$ID:/mnt/t/$name.dir/file" copy2
        [[ ! -e copy2 ]]
    done
    expect_rc 0 b cp "$ID:/mnt/t" tree
    assert_eq "$(find tree -type f -printf x | wc -c) $(find tree -type l -printf x | wc -c)" '13 26'
    [[ ! -e x ]]
    assert_canary_untouched
}

# C5: what is in the target already may be somebody else's work, too.
test_target_here() {
    prepare
    prepare_canary
    mkdir -p "$ROOT/mnt/t/dir" out/t
    echo in >"$ROOT/mnt/t/dir/file"
    echo in >"$ROOT/mnt/t/link"
    ln -s "$CANARY" out/t/dir
    ln -s "$CANARY/file" out/t/link
    start_sleeper
    expect_rc 1 b cp "$ID:/mnt/t" out
    assert_match "$ERR" 'not a directory'
    rm out/t/dir
    expect_rc 0 b cp "$ID:/mnt/t" out
    assert_eq "$(cat out/t/link)$([[ -L out/t/link ]] || echo file)" infile
    assert_canary_untouched
    # An archive from inside that names what is beside.
    assert_eq "$(ls)" "$(printf 'canary\nout\nroot\nstate')"
}

# C8: whatever is found where a file should be, the answer comes at once.
test_special_files() {
    prepare
    prepare_canary
    local path
    mkdir -p "$ROOT/mnt/t/dir"
    mkfifo "$ROOT/mnt/t/fifo"
    mknod "$ROOT/mnt/t/null" c 1 3
    mknod "$ROOT/mnt/t/zero" c 1 5
    mknod "$ROOT/mnt/t/disk" b 8 0
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$ROOT/mnt/t/socket"
    echo file >"$ROOT/mnt/t/dir/file"
    start_sleeper
    expect_rc 0 timeout 60 "$BERTHCTL" cp "$ID:/mnt/t" out
    assert_eq "$(cd out && find . -printf '%y%p\n' | sort | xargs)" 'd. d./dir f./dir/file p./fifo'
    assert_match "$ERR" "null': left out"
    for path in null zero disk socket; do
        expect_rc 1 timeout 60 "$BERTHCTL" cp "$ID:/mnt/t/$path" other
        expect_rc 1 timeout 60 "$BERTHCTL" cp -aL "$ID:/mnt/t/$path" other
    done
    expect_rc 0 timeout 60 "$BERTHCTL" cp "$ID:/mnt/t/fifo" other
    [[ -p other ]]
    timeout 60 "$BERTHCTL" cp "$ID:/mnt/t" - 2>/dev/null | tar -tvf - >list
    assert_eq "$(cut -c1 list | sort | uniq -c | xargs)" '1 - 1 b 2 c 2 d 1 p'
    # In, the same; also as an archive that makes them.
    expect_rc 0 timeout 60 "$BERTHCTL" cp -a "$ROOT/mnt/t" "$ID:/srv"
    assert_eq "$(find "$ROOT/srv" ! -type d ! -type p | xargs -n1 basename)" file
    tar -C "$ROOT/mnt/t" -cf - . 2>/dev/null | timeout 60 "$BERTHCTL" cp -a --mkdir - "$ID:/opt" 2>err
    assert_eq "$(find "$ROOT/opt" ! -type d ! -type p | xargs -n1 basename)" file
    # A FIFO is no way to hold us up, neither on the way nor as the target.
    expect_rc 1 timeout 60 "$BERTHCTL" cp list "$ID:/mnt/t/fifo/x"
    expect_rc 0 timeout 60 "$BERTHCTL" cp list "$ID:/mnt/t/fifo"
    cmp list "$ROOT/mnt/t/fifo"
    assert_canary_untouched
}

test_large_sparse_file() {
    prepare
    start_sleeper
    truncate -s 4G "$ROOT/mnt/large"
    printf x | dd of="$ROOT/mnt/large" bs=1 seek=4294967290 conv=notrunc status=none
    expect_rc 0 timeout 60 "$BERTHCTL" cp "$ID:/mnt/large" large
    assert_eq "$(stat -c %s large)" 4294967296
    (($(stat -c %b large) < 10000))
    expect_rc 0 timeout 60 "$BERTHCTL" cp large "$ID:/mnt/again"
    (($(stat -c %b "$ROOT/mnt/again") < 10000))
    assert_eq "$(tail -c 6 "$ROOT/mnt/again" | tr '\0' .)" 'x.....'
}

# A tree as deep as a path can name is copied; a deeper one, which the container alone can make, is refused in words.
test_deep_tree() {
    prepare
    start_sleeper
    expect_rc 0 python3 -c '
import os, sys
os.chdir(sys.argv[1])
for name, levels in (("deep", 900), ("deeper", 3000)):
    fd = os.open(".", os.O_PATH)
    os.mkdir(name)
    os.chdir(name)
    for i in range(levels):
        os.mkdir("d")
        os.chdir("d")
    open("leaf", "w").close()
    os.fchdir(fd)
' "$ROOT/mnt"
    expect_rc 0 timeout 60 "$BERTHCTL" cp "$ID:/mnt/deep" deep
    assert_eq "$(find deep -name leaf -printf '%d')" 901
    expect_rc 0 timeout 60 "$BERTHCTL" cp deep "$ID:/srv"
    expect_rc 1 timeout 60 "$BERTHCTL" cp "$ID:/mnt/deeper" deeper
    assert_match "$ERR" 'deeper than paths can be'
    rm -rf deep deeper "$ROOT/mnt/deep" "$ROOT/mnt/deeper"
}

# A7, A8: no program of the root is run, no library of it loaded, whatever they are called.
test_nothing_of_the_root_runs() {
    prepare
    prepare_canary
    command -v strace >/dev/null || skip 'no strace'
    local name
    mkdir -p "$ROOT"/lib/x86_64-linux-gnu/gconv "$ROOT"/usr/lib/x86_64-linux-gnu
    for name in tar gzip zstd xz unpigz cp sh-wrapper; do
        rm -f "$ROOT/usr/bin/$name" # a link to the host's busybox, as seen from here
        printf '#!/bin/sh\ntouch %s/ran\n' "$CANARY" >"$ROOT/usr/bin/$name"
        chmod 755 "$ROOT/usr/bin/$name"
    done
    for name in libnss_files.so.2 libnss_compat.so.2 libnss_systemd.so.2 libc.so.6 libz.so.1 gconv/UTF-16.so; do
        echo "not a library" >"$ROOT/lib/x86_64-linux-gnu/$name"
    done
    echo 'passwd: files systemd evil' >"$ROOT/etc/nsswitch.conf"
    start_sleeper
    echo data >file
    LD_PRELOAD='' ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=execve,execveat,open,openat,openat2,setns,pivot_root \
        "$BERTHCTL" cp file "$ID:/mnt/file"
    ASAN_OPTIONS=detect_leaks=0 strace -f -o trace2 -e trace=execve,execveat,open,openat,openat2,setns,pivot_root \
        "$BERTHCTL" cp "$ID:/mnt/file" - >out.tar
    assert_eq "$(tar -xOf out.tar)" data
    # After a child has entered another root (a setns or pivot_root of its own), it runs nothing.
    cat trace trace2 >all
    python3 - all <<'PY'
import re, sys
inside, bad = set(), []
for line in open(sys.argv[1], errors="replace"):
    pid, call = line.split(None, 1)
    if re.match(r"(setns|pivot_root)\(.*= 0", call):
        inside.add(pid)
    elif pid in inside and re.match(r"exec", call):
        bad.append(line)
    elif pid in inside and re.search(r'\.so|nsswitch|passwd|gconv|locale', call):
        bad.append(line)
assert inside, "no child was seen"
assert not bad, bad
PY
    assert_canary_untouched
}

# What the worker can still do: nothing but the two trees.
test_stays_in_its_trees() {
    prepare
    prepare_canary
    start_sleeper
    # A hard link made inside to a file of the host would need both on one file system and a way there; the closest a
    # container gets is a bind mount, which is its own.
    mkdir from
    ln -s "$CANARY" from/out
    echo x >from/file
    expect_rc 0 b cp from "$ID:/mnt"
    expect_rc 1 b cp from/file "$ID:/mnt/from/out/new"
    expect_rc 1 b cp --mkdir from/file "$ID:/mnt/from/out/../../new/../../../x/.."
    assert_canary_untouched
    # C3: what is above a new path keeps its attributes.
    chmod 711 "$ROOT/srv" 2>/dev/null || mkdir -m 711 "$ROOT/srv"
    expect_rc 0 b cp --mkdir from/file "$ID:/srv/a/b/c/file"
    assert_eq "$(stat -c %a "$ROOT/srv" "$ROOT/srv/a" "$ROOT/srv/a/b/c" | xargs)" '711 755 755'
    assert_canary_untouched
}

run_tests
