/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts as people write them: each spelling, what it means, and that the long form says the same again. */
#include "../test.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/values.h"

#include <errno.h>

typedef enum Spelling { BIND, BIND_READ_ONLY, VOLUME, TMPFS, OVERLAY, LONG, _SPELLING_MAX } Spelling;

static int parse(Spelling spelling, const char *text, MountSpec *ret, Error *error)
{
    switch (spelling) {
    case BIND:
    case BIND_READ_ONLY:
        return mount_parse_bind(text, spelling == BIND_READ_ONLY, ret, error);
    case VOLUME:
        return mount_parse_volume(text, ret, error);
    case TMPFS:
        return mount_parse_tmpfs(text, ret, error);
    case OVERLAY:
        return mount_parse_overlay(text, ret, error);
    default:
        return mount_parse_mount(text, ret, error);
    }
}

static void spellings(void)
{
    static const struct {
        Spelling spelling;
        const char *text, *long_form;
    } rows[] = {
        {BIND, "/a", "type=bind,src=/a,dst=/a"},
        {BIND, "/a:/b", "type=bind,src=/a,dst=/b"},
        {BIND, "//a/./b/:/c//", "type=bind,src=/a/b,dst=/c"},
        {BIND, "/a::ro", "type=bind,src=/a,dst=/a,ro"},
        {BIND, "/a:/b:ro,noexec,nosuid,nodev,norbind", "type=bind,src=/a,dst=/b,ro,norbind,noexec,nosuid"},
        {BIND, "/a:/b:ro,rw,,", "type=bind,src=/a,dst=/b"},
        {VOLUME, "/a:/b:z,ro", "type=bind,src=/a,dst=/b,ro,z"},
        {BIND, "/a:/b:Z", "type=bind,src=/a,dst=/b,Z"},
        {LONG, "type=bind,src=/a,dst=/b,relabel=private", "type=bind,src=/a,dst=/b,Z"},
        {BIND, "/a\\:b:/c", "type=bind,src=/a:b,dst=/c"},
        {BIND, "/a,b:/c,d", "type=bind,src=/a\\,b,dst=/c\\,d"},
        {BIND, "/a\\\\b:/c", "type=bind,src=/a\\\\b,dst=/c"},
        {BIND, "/a b:/c d", "type=bind,src=/a b,dst=/c d"},
        {BIND, "/:/host", "type=bind,src=/,dst=/host"},
        {BIND, "/a:/b:rbind", "type=bind,src=/a,dst=/b"},
        {BIND, "/a:/b:bind", "type=bind,src=/a,dst=/b,norbind"},
        {BIND_READ_ONLY, "/a:/b", "type=bind,src=/a,dst=/b,ro"},
        {BIND_READ_ONLY, "/a:/b:noexec", "type=bind,src=/a,dst=/b,ro,noexec"},
        {VOLUME, "/a:/b:ro", "type=bind,src=/a,dst=/b,ro"},
        {VOLUME, "/data", "type=volume,dst=/data"},
        /* What is a device node on the host is one inside only when somebody says so; on a tmpfs no setuid bit counts. */
        {BIND, "/a:/b:dev", "type=bind,src=/a,dst=/b,dev"},
        {BIND, "/a:/b:idmap", "type=bind,src=/a,dst=/b,idmap"},
        {VOLUME, "/a:/b:idmap,noidmap,U", "type=bind,src=/a,dst=/b,noidmap,U"},
        {LONG, "src=/a,dst=/b,dev", "type=bind,src=/a,dst=/b,dev"},
        {LONG, "type=tmpfs,dst=/t,suid", "type=tmpfs,dst=/t,suid"},
        {TMPFS, "/t", "type=tmpfs,dst=/t"},
        {TMPFS, "/t:size=10M,mode=1777", "type=tmpfs,dst=/t,size=10M,mode=1777"},
        {TMPFS, "/t:suid,dev,noexec", "type=tmpfs,dst=/t,noexec,dev,suid"},
        {OVERLAY, "/l:/u:/d", "type=overlay,layer=/l,layer=/u,dst=/d"},
        {OVERLAY, "/l1:/l2:/l3:/u:/d", "type=overlay,layer=/l1,layer=/l2,layer=/l3,layer=/u,dst=/d"},
        {LONG, "type=bind,src=/a,dst=/b", "type=bind,src=/a,dst=/b"},
        {LONG, "src=/a,dst=/b", "type=bind,src=/a,dst=/b"},
        {LONG, "source=/a,target=/b,readonly", "type=bind,src=/a,dst=/b,ro"},
        {LONG, "dst=/b,ro=true,source=/a,type=bind", "type=bind,src=/a,dst=/b,ro"},
        {LONG, "type=bind,src=/a,destination=/b,readonly=false", "type=bind,src=/a,dst=/b"},
        {LONG, "dst=/t,tmpfs-size=1M,tmpfs-mode=0700,type=tmpfs", "type=tmpfs,dst=/t,size=1M,mode=0700"},
        {LONG, "type=overlay,layer=/l,dst=/d,ro", "type=overlay,layer=/l,dst=/d,ro"},
        {LONG, "type=volume,dst=/d", "type=volume,dst=/d"},
        {VOLUME, "data:/b", "type=volume,src=data,dst=/b"},
        {VOLUME, "data.volume:/b:ro,nocopy", "type=volume,src=data.volume,dst=/b,ro,nocopy"},
        {LONG, "type=volume,source=data,dst=/b,volume-nocopy,U", "type=volume,src=data,dst=/b,U,nocopy"},
        {LONG, "type=inaccessible,dst=/d", "type=inaccessible,dst=/d"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(mount_spec_done) MountSpec mount = {}, again = {};
        _cleanup_free_ char *text = NULL, *second = NULL;
        _cleanup_error_ Error error = {};

        if (parse(rows[i].spelling, rows[i].text, &mount, &error) != 0)
            TEST_FAIL("'%s' is refused: %s", rows[i].text, error.text);
        text = mount_format(&mount);
        if (!text || strcmp(text, rows[i].long_form) != 0)
            TEST_FAIL("'%s' is '%s', expected '%s'", rows[i].text, text, rows[i].long_form);
        ASSERT_OK(mount_parse_mount(text, &again, &error));
        second = mount_format(&again);
        ASSERT_STREQ(second, text);
        ASSERT_EQ(again.kind, mount.kind);
    }
}

static void dangerous_flags_are_off(void)
{
    static const struct {
        Spelling spelling;
        const char *text;
        bool no_dev, no_suid;
    } rows[] = {
        {BIND, "/a:/b", true, false},
        {BIND, "/a:/b:dev", false, false},
        {VOLUME, "/data", true, false},
        {TMPFS, "/t", true, true},
        {TMPFS, "/t:suid", true, false},
        {OVERLAY, "/l:/u:/d", true, false},
        {LONG, "type=tmpfs,dst=/t", true, true},
        {LONG, "src=/a,dst=/b", true, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(mount_spec_done) MountSpec mount = {};

        ASSERT_OK(parse(rows[i].spelling, rows[i].text, &mount, NULL));
        if (mount.no_dev != rows[i].no_dev || mount.no_suid != rows[i].no_suid)
            TEST_FAIL("'%s': nodev %d, nosuid %d", rows[i].text, mount.no_dev, mount.no_suid);
    }
}

static void refusals(void)
{
    static const struct {
        Spelling spelling;
        const char *text;
        int r;
        const char *message;
    } rows[] = {
        {BIND, "", -EINVAL, "the bind source '' is not an absolute path"},
        {BIND, ":", -EINVAL, "is not an absolute path"},
        {BIND, "a:/b", -EINVAL, "the bind source 'a' is not an absolute path"},
        {BIND, "/a:b", -EINVAL, "the mount target 'b' is not an absolute path"},
        {BIND, "/a:/", -EINVAL, "must not be the root directory"},
        {BIND, "/a:/.", -EINVAL, "must not be the root directory"},
        {BIND, "/a://", -EINVAL, "must not be the root directory"},
        {BIND, "/", -EINVAL, "must not be the root directory"},
        {BIND, "/a:/b/../c", -EINVAL, "must not hold '..'"},
        {BIND, "/a/..:/b", -EINVAL, "must not hold '..'"},
        {BIND, "/a:/b:ro:x", -EINVAL, "more than SOURCE:TARGET:OPTIONS"},
        {BIND, "/a:/b:size=1", -EINVAL, "'size=1' is not an option of a bind mount"},
        {BIND, "/a:/b:RO", -EINVAL, "'RO' is not an option"},
        {BIND, "/a:/b:z,Z", -EINVAL, "either 'z' or 'Z',"},
        {TMPFS, "/b:z", -EINVAL, "'z' is not an option of a tmpfs mount"},
        {TMPFS, "/b:idmap", -EINVAL, "'idmap' is not an option of a tmpfs mount"},
        {TMPFS, "/b:U", -EINVAL, "'U' is not an option of a tmpfs mount"},
        {VOLUME, "data", -EINVAL, "the volume 'data' has no target"},
        {VOLUME, "./data:/b", -EINVAL, "neither an absolute path nor the name of a volume"},
        {VOLUME, "..:/b", -EINVAL, "neither an absolute path"},
        {VOLUME, "a/b:/b", -EINVAL, "neither an absolute path"},
        {VOLUME, "", -EINVAL, "neither an absolute path"},
        {VOLUME, "data:b", -EINVAL, "is not an absolute path"},
        {VOLUME, "/data:/b:nocopy", -EINVAL, "'nocopy' is an option of named volumes only"},
        {TMPFS, "/t:size=1:x", -EINVAL, "more than TARGET:OPTIONS"},
        {TMPFS, "/t:nonsense=1", -EINVAL, "'nonsense=1' is not an option of a tmpfs mount"},
        {TMPFS, "/t:mpol=bind", -EINVAL, "is not an option"},
        {TMPFS, "t", -EINVAL, "is not an absolute path"},
        {OVERLAY, "/l:/d", -EINVAL, "is not LOWER"},
        {OVERLAY, "/l::/d", -EINVAL, "the overlay layer '' is not an absolute path"},
        {OVERLAY, "/l:u:/d", -EINVAL, "the overlay layer 'u' is not"},
        {LONG, "", -EINVAL, "'' is not an option of a bind mount"},
        {LONG, "type=bind,dst=/b", -EINVAL, "lacks src=PATH"},
        {LONG, "type=bind,src=/a", -EINVAL, "lacks dst=PATH"},
        {LONG, "type=nfs,src=/a,dst=/b", -EINVAL, "'nfs' is not a mount type"},
        {LONG, "type=Bind,src=/a,dst=/b", -EINVAL, "is not a mount type"},
        {LONG, "type=overlay,layer=/l,dst=/d", -EINVAL, "lacks layer=PATH"},
        {LONG, "type=overlay,dst=/d,ro", -EINVAL, "lacks layer=PATH"},
        {LONG, "type=volume,src=/a,dst=/d", -EINVAL, "neither an absolute path nor the name of a volume"},
        {LONG, "type=bind,src=/a,dst=/b,ro=maybe", -EINVAL, "'maybe' is not a boolean"},
        {LONG, "type=tmpfs,dst=/t,tmpfs-size", -EINVAL, "'tmpfs-size' is not an option"},
        {LONG, "type=volume,dst=/t,tmpfs-size=1M", -EINVAL, "'tmpfs-size=1M' is not an option of a volume mount"},
        {LONG, "src=/a,dst=/t,tmpfs-mode=0700", -EINVAL, "'tmpfs-mode=0700' is not an option of a bind mount"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        MountSpec mount = {};
        _cleanup_error_ Error error = {};
        int r = parse(rows[i].spelling, rows[i].text, &mount, &error);

        if (r != rows[i].r || !error.text || !strstr(error.text, rows[i].message))
            TEST_FAIL("'%s': %d, '%s', expected '%s'", rows[i].text, r, error.text, rows[i].message);
        /* Untouched on failure. */
        ASSERT_NULL(mount.inside_path);
        ASSERT_NULL(mount.host_path);
    }
}

/* Any path comes back from any form: the awkward characters of each syntax in each place. */
static void awkward_paths_come_back(void)
{
    static const char *const paths[] = {"/,",     "/\\",  "/:",   "/=",   "/a,b:c\\d=e", "/type=tmpfs", "/ro",
                                        "/ro,rw", "/\\,", "/a\\", "/a b", "/\"",         "/'"};

    for (size_t i = 0; i < ELEMENTSOF(paths); i++)
        for (size_t j = 0; j < ELEMENTSOF(paths); j++) {
            char *layers[] = {(char *) paths[i], (char *) paths[j], NULL};
            MountSpec bind = {
                .kind = MOUNT_KIND_BIND, .host_path = (char *) paths[i], .inside_path = (char *) paths[j]};
            MountSpec overlay = {.kind = MOUNT_KIND_OVERLAY, .host_layers = layers, .inside_path = (char *) "/d"};
            _cleanup_(mount_spec_done) MountSpec first = {}, second = {};
            _cleanup_free_ char *one = mount_format(&bind), *two = mount_format(&overlay);
            _cleanup_error_ Error error = {};

            if (mount_parse_mount(one, &first, &error) != 0 || strcmp(first.host_path, paths[i]) != 0 ||
                strcmp(first.inside_path, paths[j]) != 0)
                TEST_FAIL("'%s': %s", one, error.text);
            if (mount_parse_mount(two, &second, &error) != 0 || strv_length(second.host_layers) != 2 ||
                strcmp(second.host_layers[0], paths[i]) != 0 || strcmp(second.host_layers[1], paths[j]) != 0)
                TEST_FAIL("'%s': %s", two, error.text);
        }
}

int main(void)
{
    TEST_RUN(spellings);
    TEST_RUN(dangerous_flags_are_off);
    TEST_RUN(refusals);
    TEST_RUN(awkward_paths_come_back);
    return test_finish();
}
