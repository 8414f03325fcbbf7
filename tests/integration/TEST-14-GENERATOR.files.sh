#!/bin/bash
# hosts: host vm booted
# What the generator writes for a directory of definitions: whole files or none, the links, every error named; what systemd says of
# it where systemd-analyze is there.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

GENERATOR=${BERTH_GENERATOR:-/usr/lib/systemd/system-generators/berth-generator}
[[ $BERTH_HOST != host ]] || GENERATOR=$(dirname "$BERTHCTL")/../generator/berth-generator

# Definitions of the test's own, wherever it runs.
prepare_files() {
    own_state
    ETC=$BERTH_CONFIG_DIR
    mkdir -p "$ETC" units
}

define() { # FILE: standard input
    mkdir -p "$(dirname "$ETC/$1")"
    cat >"$ETC/$1"
}

generate() { "$GENERATOR" units; }

verify() { # UNIT...
    # It wants to see the program, which is installed on a virtual machine only.
    [[ -x /usr/bin/berthctl ]] || sed -i "s|^\(ExecStart=:\{0,1\}\)/usr/bin/berthctl|\1/bin/true|" "$@"
    if command -v systemd-analyze >/dev/null; then
        systemd-analyze verify --man=no "$@" >verify.log 2>&1 || fail "systemd-analyze: $(cat verify.log)"
        # Of units of the host it may say what it likes.
        ! grep -F "$TEST_TMP" verify.log || fail 'systemd-analyze, see above'
    fi
}

test_units_and_links() {
    prepare_files
    define db.container <<<$'[Container]\nDirectory=/srv/db\nExec=/bin/db\n[Install]\nWantedBy=berth.target'
    define web@.container <<<$'[Unit]\nAfter=db.container\n[Container]\nDirectory=/srv/%i\nExec=/bin/web\n[Install]\nWantedBy=berth.target\nDefaultInstance=main'
    define shop.image <<<$'[Image]\nImage=shop:1\nFile=/srv/shop.tar'
    define shop.container <<<$'[Container]\nImage=shop.image\n[Service]\nRestart=on-failure\n[Install]\nRequiredBy=multi-user.target\nAlias=store.service'
    expect_rc 0 generate
    assert_eq "$ERR$OUT" ''
    assert_eq "$(cd units && find . -type f | sort | xargs)" './db.service ./shop-image.service ./shop.service ./web@.service'
    assert_eq "$(cd units && find . -type l -printf '%p=%l\n' | sort | xargs)" \
        './berth.target.wants/db.service=../db.service ./berth.target.wants/web@main.service=../web@.service ./multi-user.target.requires/shop.service=../shop.service ./store.service=shop.service'
    assert_eq "$(stat -c %a units/db.service)" 644
    assert_match "$(cat units/web@.service)" $'\nAfter=db.service\n'
    cp units/web@.service units/web@x.service
    verify units/db.service units/shop-image.service units/shop.service units/web@x.service
}

test_errors_are_named_and_units_fail_with_them() {
    prepare_files
    define good.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x'
    define bad.container <<<$'[Container]\nDirectory=/srv\nImge=x\nMemory=12Q\n[Service]\nUser=joe\n[Install]\nWantedBy=berth.target'
    define net.network <<<'[Network]'
    expect_rc 0 generate
    assert_match "$ERR" "$ETC/bad.container:3: unknown key 'Imge' .*'Image='"
    assert_match "$ERR" "$ETC/bad.container:4: Memory=: '12Q' is not a size"
    assert_match "$ERR" "$ETC/bad.container:6: User=: "
    assert_match "$ERR" "$ETC/net.network: .*not supported yet"
    [[ -e units/good.service && -L units/berth.target.wants/bad.service && -e units/net-network.service ]]
    # The stub, run as systemd would: the same messages, and it fails.
    local command
    command=$(sed -n 's/^ExecStart=:\/bin\/sh -c "\(.*\)" sh \(.*\)/set -- \2; \1/p' units/bad.service)
    command=${command//%%/%}
    command=${command//\\\"/\"}
    expect_rc 78 sh -c "${command//\\\\/\\}"
    assert_match "$ERR" "bad.container:3: unknown key"
    verify units/bad.service units/net-network.service
    # The same by hand.
    expect_rc 1 b start bad
    assert_match "$ERR" 'bad.container:3: unknown key'
}

test_nothing_but_whole_files() {
    prepare_files
    define web.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x'
    expect_rc 0 generate
    assert_eq "$(find units -name '.*' -mindepth 1)" ''
    # Two at once, over and over: a reader never sees half a unit.
    local i
    for i in 1 2 3 4; do
        "$GENERATOR" units &
        "$GENERATOR" units &
        assert_match "$(cat units/web.service)" 'ExecStart=.* start --keep-unit -- %N$'
        wait
    done
    expect_rc 1 "$GENERATOR" units/none
    expect_rc 1 "$GENERATOR"
}

test_precedence_and_masks() {
    prepare_files
    mkdir -p "$BERTH_RUN_DIR/containers"
    printf '%s\n' '[Container]' Directory=/run/tree Exec=/bin/x '[Service]' Restart=no >"$BERTH_RUN_DIR/containers/web.container"
    printf '%s\n' '[Container]' Directory=/run/tree Exec=/bin/x '[Service]' Restart=no >"$BERTH_RUN_DIR/containers/gone.container"
    define web.container <<<$'[Container]\nDirectory=/etc/tree\nExec=/bin/x'
    define web.container.d/10.conf <<<$'[Service]\nRestart=always'
    ln -s /dev/null "$ETC/gone.container"
    expect_rc 0 generate
    assert_match "$(cat units/web.service)" 'RequiresMountsFor="/etc/tree"'
    assert_match "$(cat units/web.service)" $'\nRestart=always'
    [[ ! -e units/gone.service ]]
    expect_rc 1 b start gone
    assert_match "$ERR" 'a link to /dev/null'
}

# A generated unit would stand before one of a package.
test_units_of_the_host_are_safe() {
    prepare_files
    [[ -e /usr/lib/systemd/system/systemd-journald.service && -e /usr/lib/systemd/system/getty@.service ]] || skip 'no systemd here'
    define systemd-journald.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x\n[Install]\nWantedBy=berth.target'
    define getty@.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x'
    define getty@tty1.container <<<$'[Container]\nFoo=broken'
    expect_rc 0 generate
    assert_eq "$(grep -c 'the host has a unit of that name, .*/systemd/system/' "$ERR_FILE")" 3
    assert_eq "$(find units -type f)" ''
    expect_rc 1 b verify-file "$ETC/systemd-journald.container"
    expect_rc 1 b enable systemd-journald
    # Nor what `berthctl run` keeps: such a name was never meant to be a unit's.
    rm -rf "$ETC" && mkdir "$ETC"
    mkdir -p "$BERTH_RUN_DIR/containers"
    printf '%s\n' '[Container]' Directory=/srv Exec=/bin/x >"$BERTH_RUN_DIR/containers/adhoc.container"
    printf '%s\n' '[Container]' Directory=/srv Exec=/bin/x '[Service]' Restart=always >"$BERTH_RUN_DIR/containers/meant.container"
    rm -rf units && mkdir units
    expect_rc 0 generate
    assert_eq "$(ls units)" meant.service
}

test_image_file() {
    [[ $BERTH_HOST == host ]] || skip 'the store is in TEST-20'
    prepare
    ETC=$BERTH_CONFIG_DIR
    mkdir -p "$ETC"
    "$HELPERS/make-image" base docker shop.tar name=shop:1
    expect_rc 1 b load --missing shop.tar
    assert_match "$ERR" 'needs --name'
    expect_rc 0 b load --missing --quiet --name=shop:1 shop.tar
    # It is there: the file is not even opened.
    rm shop.tar
    expect_rc 0 b load --missing --name=shop:1 shop.tar
    expect_rc 1 b load --missing --name=shop:2 shop.tar
    define shop.image <<<$'[Image]\nImage=shop:1'
    define "$ID.container" <<<$'[Container]\nImage=shop.image\nExec=/bin/true'
    expect_rc 0 b cat "$ID" shop.image
    define "$ID.container" <<<$'[Container]\nImage=none.image\nExec=/bin/true'
    expect_rc 1 b start "$ID"
    assert_match "$ERR" "$ID.container:2: there is no 'none.image'"
}

test_hundred_definitions() {
    prepare_files
    local i best=999999999 from took
    for i in {1..100}; do
        printf '%s\n' '[Unit]' "After=c$((i % 100 + 1)).container" '[Container]' 'Image=shop:1' 'Memory=64M' 'Bind=/srv' \
            'Environment=A=1 B=2' 'Exec=/bin/server --port 80' '[Service]' 'Restart=always' '[Install]' \
            'WantedBy=berth.target' >"$ETC/c$i.container"
    done
    for i in 1 2 3 4 5; do
        rm -rf units
        mkdir units
        from=$(date +%s%N)
        "$GENERATOR" units
        took=$(($(date +%s%N) - from))
        ((took >= best)) || best=$took
    done
    assert_eq "$(find units -type f | wc -l)" 100
    printf '# 100 definitions: %d.%d ms\n' $((best / 1000000)) $((best / 100000 % 10))
}

links() { (cd units && find . -type l | sort | xargs); }

anew() { rm -rf units && mkdir units && "$GENERATOR" units; }

test_enable_and_disable() {
    [[ $BERTH_HOST == host ]] || skip 'the same with systemd is in TEST-14-UNITS'
    prepare_files
    define plain.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x'
    define wanted.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x\n[Install]\nWantedBy=multi-user.target\nAlias=other.service'
    define web@.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x\n[Install]\nWantedBy=web.target'
    anew
    assert_eq "$(links)" './multi-user.target.wants/wanted.service ./other.service'
    expect_rc 0 b enable plain wanted web@blue
    anew
    assert_eq "$(links)" './berth.target.wants/plain.service ./multi-user.target.wants/wanted.service ./other.service ./web.target.wants/web@blue.service'
    # Twice is once.
    expect_rc 0 b enable plain
    expect_rc 0 b disable plain wanted web@blue
    anew
    assert_eq "$(links)" ./other.service
    [[ ! -e $ETC/plain.container.d && ! -e $ETC/web@blue.container.d ]]
    expect_rc 0 b enable wanted
    anew
    assert_eq "$(links)" './multi-user.target.wants/wanted.service ./other.service'
    [[ ! -e $ETC/wanted.container.d ]]
    expect_rc 1 b enable web@
    assert_match "$ERR" template
    expect_rc 1 b enable none
    assert_match "$ERR" 'no definition'
    define broken.container <<<$'[Container]\nFoo=1'
    expect_rc 1 b enable broken
    assert_match "$ERR" "broken.container:2: unknown key 'Foo'"
    [[ ! -e $ETC/broken.container.d ]]
    expect_rc 1 b enable ../web
}

test_cat_and_verify_file() {
    prepare_files
    define web.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x\nFoo=1\nMemory=x'
    define web.container.d/10.conf <<<$'[Container]\nBar=2'
    define good.container <<<$'[Container]\nDirectory=/srv\nExec=/bin/x'
    expect_rc 0 b cat good web
    assert_eq "$OUT" "# $ETC/good.container"$'\n[Container]\nDirectory=/srv\nExec=/bin/x\n\n'"# $ETC/web.container"$'\n[Container]\nDirectory=/srv\nExec=/bin/x\nFoo=1\nMemory=x\n\n'"# $ETC/web.container.d/10.conf"$'\n[Container]\nBar=2'
    expect_rc 1 b cat none
    # With its drop-ins where it is read from, else alone.
    expect_rc 1 b verify-file "$ETC/web.container"
    assert_eq "$(grep -c "web.container:4: unknown key 'Foo'\|web.container:5: Memory=: 'x' is not a size\|10.conf:2: unknown key 'Bar'" "$ERR_FILE")" 3
    cp "$ETC/web.container" elsewhere.container
    expect_rc 1 b verify-file elsewhere.container "$ETC/good.container"
    assert_eq "$(grep -c . "$ERR_FILE")" 2
    expect_rc 0 b verify-file "$ETC/good.container"
    assert_eq "$OUT$ERR" ''
    expect_rc 1 b verify-file /no/such.container
    expect_rc 1 b verify-file /etc/passwd
    assert_match "$ERR" 'not a definition file'
}

test_quadlet_files() {
    prepare_files
    mkdir -p quadlet/web.container.d quadlet/sub
    cat >quadlet/web.container <<'END'
[Unit]
Description=Web
After=db.container
[Container]
Image=shop.image
ContainerName=web
Exec=/bin/server \
  --port 80
User=www
Group=data
Volume=./data:/data
Pull=never
PodmanArgs=--log-level=debug
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
END
    printf '%s\n' '[Container]' Rootfs=/srv/db Exec=/bin/db >quadlet/db.container
    printf '%s\n' '[Container]' Memory=64m Retry=3 >quadlet/web.container.d/10.conf
    printf '%s\n' '[Image]' Image=shop:1 TLSVerify=no >quadlet/shop.image
    printf '%s\n' '[Volume]' VolumeName=shop Label=x=y >quadlet/data.volume
    printf '%s\n' '[Network]' >quadlet/net.network
    echo >quadlet/README
    expect_rc 1 b import-quadlet quadlet
    assert_eq "$OUT" "$ETC/data.volume"$'\n'"$ETC/db.container"$'\n'"$ETC/shop.image"$'\n'"$ETC/web.container"
    assert_match "$ERR" 'web.container:13: PodmanArgs=: '
    assert_match "$ERR" '10.conf:3: Retry=: '
    assert_match "$ERR" 'shop.image:3: TLSVerify=: '
    assert_match "$ERR" 'data.volume:3: Label=: '
    assert_match "$ERR" 'net.network: .*not supported yet'
    assert_match "$ERR" 'sub: is a directory'
    assert_match "$(cat "$ETC/web.container")" $'\nUser=www:data\nVolume='"$PWD"$'/quadlet/./data:/data\n# Pull=never\n# PodmanArgs='
    assert_match "$(cat "$ETC/db.container")" 'Directory=/srv/db'
    expect_rc 0 generate
    assert_eq "$ERR" ''
    assert_match "$(cat units/web.service)" $'\nMemoryMax=67108864\n'
    assert_match "$(cat units/web.service)" 'After=shop-image.service'
    # Nothing is written over unasked.
    expect_rc 1 b import-quadlet quadlet
    assert_match "$ERR" 'exists already'
    expect_rc 1 b import-quadlet --replace quadlet
    expect_rc 1 b import-quadlet --output-dir=elsewhere quadlet
    [[ -e elsewhere/web.container.d/10.conf ]]
    # quadlet's keys where definitions are read from: what there is not is an error that names it.
    define direct.container <<<$'[Container]\nRootfs=/srv\nExec=/bin/x\nPull=missing\nAutoUpdate=registry'
    rm -rf units && mkdir units
    expect_rc 0 generate
    assert_match "$ERR" 'direct.container:5: AutoUpdate=: images are not updated'
    expect_rc 1 b import-quadlet units
    assert_match "$ERR" 'no .container and no .image file'
}

test_edit() {
    [[ $BERTH_HOST == host ]] || skip 'it would edit what is there'
    prepare_files
    mkdir -p "$BERTH_RUN_DIR/containers"
    printf '%s\n' '[Container]' Directory=/srv Exec=/bin/x >"$BERTH_RUN_DIR/containers/web.container"
    expect_rc 0 env EDITOR='sed -i s/srv/opt/' "$BERTHCTL" edit web
    assert_eq "$(cat "$ETC/web.container")" $'[Container]\nDirectory=/opt\nExec=/bin/x'
    expect_rc 0 env EDITOR=true "$BERTHCTL" edit web
    assert_match "$ERR" 'as it was'
    expect_rc 1 env EDITOR='sed -i s/Exec/Exek/' "$BERTHCTL" edit web
    assert_match "$ERR" "web.container:3: unknown key 'Exek'"
    assert_match "$ERR" 'not taken'
    assert_eq "$(cat "$ETC/web.container")" $'[Container]\nDirectory=/opt\nExec=/bin/x'
    rm -rf "$(dirname "$(sed -n 's/.*it is kept in //p' "$ERR_FILE")")"
    expect_rc 1 env EDITOR=false "$BERTHCTL" edit web
    assert_match "$ERR" 'nothing is changed'
    expect_rc 1 env EDITOR=true "$BERTHCTL" edit none
}

test_start_with_drop_ins_and_specifiers() {
    [[ $BERTH_HOST == host ]] || skip 'this is about what is read, not about systemd'
    prepare
    ETC=$BERTH_CONFIG_DIR
    mkdir -p "$ETC"
    define "$ID@.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "echo %i 100%% $KIND >/out; exec sleep 1000"'
    define "$ID@blue.container.d/10.conf" <<<$'[Process]\nEnvironment=KIND=%p'
    expect_rc 1 b start "$ID@"
    assert_match "$ERR" 'is a template'
    expect_rc 0 b start "$ID@blue"
    assert_eq "$OUT" "$ID-blue"
    retry_until "$SETTLE_TIMEOUT" test -s "$ROOT/out"
    assert_match "$(cat "$ROOT/out")" "^blue 100% $ID\$"
    assert_match "$(tr '\0' '\n' <"/proc/$(state_field "$ID-blue" leader)/environ")" "KIND=$ID"
    b terminate "$ID-blue"
}

has_leader() { [[ $(state_field "$1" leader) =~ ^[1-9] ]]; }

# The main process of a service becomes the supervisor: it has its pid and ends with the payload's code.
test_main_process() {
    [[ $BERTH_HOST == host ]] || skip 'the same with systemd is in TEST-14-UNITS'
    prepare
    ETC=$BERTH_CONFIG_DIR
    mkdir -p "$ETC"
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "trap \\"exit 7\\" TERM; touch /ready; while :; do sleep 0.1; done"'
    "$BERTHCTL" start --keep-unit "$ID" >out 2>err &
    local pid=$!
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    retry_until "$SETTLE_TIMEOUT" is_running "$ID"
    assert_eq "$(state_field "$ID" supervisor)" "$pid"
    assert_eq "$(cat "/proc/$pid/comm")" berth-executor
    expect_rc 0 b exec "$ID" /bin/true
    kill -TERM "$pid"
    expect_rc 7 wait "$pid"
    assert_eq "$(cat out err)" ''
    is_gone "$ID"
    expect_rc 0 b wait "$ID"
    assert_eq "$OUT" 7
    # A start that fails says why before the process ends.
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/no/such'
    expect_rc 125 b start --keep-unit "$ID"
    assert_match "$ERR" 'no/such'
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sleep 1000'
    "$BERTHCTL" start --keep-unit "$ID" &
    pid=$!
    retry_until "$SETTLE_TIMEOUT" has_leader "$ID"
    kill -KILL "$(state_field "$ID" leader)"
    expect_rc 137 wait "$pid"
    is_gone "$ID"
}

run_tests
