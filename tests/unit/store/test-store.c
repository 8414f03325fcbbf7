/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store as a whole, in a directory of its own: adding, finding, history, removal against locks, damage.
 */
#include "../test.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/add.h"
#include "store/internal.h"
#include "store/refs.h"
#include "store/versions.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/berth-test-store.XXXXXX";

/* Sixty-four times the same digit: these tests hash nothing. */
static Digest digest_of(char digit)
{
    Digest digest = {};

    memset(digest.hex, digit, DIGEST_HEX_SIZE);
    return digest;
}

static int open_store(Store **ret)
{
    _cleanup_free_ char *path = text_format("%s/store", directory);

    return store_open(path, STORE_OPEN_CREATE, ret, NULL);
}

/* Each test begins without a store. */
static void reset(void)
{
    (void) file_remove_tree_at(AT_FDCWD, directory);
    (void) mkdir(directory, 0700);
}

static int add_layer(StoreAddition *addition, const Digest *diff_id)
{
    StoreNewLayer layer = {
        .diff_id = *diff_id, .blob = *diff_id, .blob_name = "blob", .tree_name = "tree", .info = {.unpacked_bytes = 7}};
    int fd = store_addition_fd(addition), r;

    r = mkdirat(fd, "tree", 0755) < 0 ? -errno : 0;
    if (r == 0)
        r = file_write_atomic_at(fd, "blob", "blob", 4, 0600, 0);
    return r < 0 ? r : store_publish_layer(addition, &layer, NULL);
}

/* An image with one layer: manifest and configuration are named by `digit`, the layer by `layer`. */
static int add_image(Store *store, char digit, char layer, bool hides, const char *name)
{
    _cleanup_store_addition_ StoreAddition *addition = NULL;
    StoreLayer layers[] = {{.diff_id = digest_of(layer), .blob = digest_of(layer), .blob_bytes = 4}};
    StoreImage image = {
        .manifest = digest_of(digit), .id = digest_of(digit), .layers = layers, .layers_count = 1, .lock_fd = -EBADF};
    _cleanup_free_ char *config =
        text_format("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}", layers[0].diff_id.hex);
    int r = store_begin_addition(store, &addition, NULL);

    if (r == 0)
        r = add_layer(addition, &layers[0].diff_id);
    if (r == 0)
        r = store_publish_blob(addition, &image.id, config, strlen(config), NULL);
    if (r == 0)
        r = store_publish_image(addition, &image, &hides, "test", NULL);
    return r == 0 && name ? store_publish_reference(addition, name, &image.manifest, "test of\nit", NULL) : r;
}

static bool has(const Store *store, const char *dir, char digit)
{
    Digest digest = digest_of(digit);

    return faccessat(store->fd, store_path(dir, &digest, "").text, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int write_file(const Store *store, const char *path, const char *text)
{
    _cleanup_close_ int fd = openat(store->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
}

static void test_open(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_error_ Error error = {};
    _cleanup_free_ char *path = text_format("%s/none", directory);
    struct stat st;

    ASSERT_ERROR(store_open(path, 0, &store, &error), ENOENT);
    ASSERT_NOT_NULL(error.hint);
    umask(0);
    ASSERT_OK(open_store(&store));
    ASSERT_OK(fstatat(store->fd, "layers", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0700);
    ASSERT_OK(fstatat(store->fd, ".", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0700);
    ASSERT_OK(fchmodat(store->fd, "layers", 0755, 0));
    error_done(&error);
    store_free(TAKE_PTR(store));
    path[strlen(path) - strlen("none")] = 0;
    ASSERT_OK(open_store(&store)); /* repairs it */
    ASSERT_OK(fstatat(store->fd, "layers", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0700);
}

static void test_find(void)
{
    static const char *const good[] = {"web",  "web:latest",    "sha256:aaaa",
                                       "aaaa", "localhost/web", "localhost/web:latest"};
    static const char *const unknown[] = {"r.example/web", "web:2", "weba", "aaa", "bbbb", "localhost/a/web"};
    _cleanup_store_ Store *store = NULL;

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "localhost/web:latest"));
    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        _cleanup_store_image_ StoreImage *image = NULL;

        ASSERT_OK(store_find_image(store, good[i], &image, NULL));
        ASSERT_EQ(image->id.hex[0], 'a');
        ASSERT_EQ(strv_length(image->layer_paths), 1);
        ASSERT_TRUE(image->lock_fd >= 0);
        ASSERT_EQ(image->config->diff_ids_count, 1);
    }
    for (size_t i = 0; i < ELEMENTSOF(unknown); i++) {
        StoreImage *image = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(store_find_image(store, unknown[i], &image, &error), ENOENT);
        ASSERT_CONTAINS(error.text, unknown[i]);
        ASSERT_NOT_NULL(error.hint);
    }
}

static void test_find_order_and_digest(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_error_ Error error = {};
    StoreImage *none = NULL;
    char name[100];

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "localhost/web:latest"));
    ASSERT_OK(add_image(store, 'b', '1', false, "web:latest"));
    ASSERT_OK(store_find_image(store, "web", &image, NULL));
    ASSERT_EQ(image->id.hex[0], 'b');
    store_image_free(TAKE_PTR(image));
    snprintf(name, sizeof(name), "web@sha256:%s", digest_of('a').hex);
    ASSERT_OK(store_find_image(store, name, &image, NULL));
    ASSERT_EQ(image->id.hex[0], 'a');
    snprintf(name, sizeof(name), "db@sha256:%s", digest_of('a').hex);
    ASSERT_ERROR(store_find_image(store, name, &none, NULL), ENOENT);
    ASSERT_ERROR(store_find_image(store, "web:a b", &none, &error), EINVAL);
}

static void test_nearest(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_error_ Error error = {};
    StoreImage *none = NULL;

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "r.example/debian:latest"));
    ASSERT_ERROR(store_find_image(store, "debain", &none, &error), ENOENT);
    ASSERT_CONTAINS(error.hint, "debian");
}

static void test_history(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_ref_ Ref ref = {};

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(refs_load(store, "web:latest", &ref, NULL));
    ASSERT_EQ(ref.count, 3);
    ASSERT_EQ(ref.entries[1].manifest.hex[0], 'b');
    ASSERT_EQ(ref_current(&ref)->manifest.hex[0], 'a');
    ASSERT_TRUE(ref.entries[0].time_usec > 0 && ref.entries[0].time_usec <= ref.entries[2].time_usec);
    ASSERT_NULL(strchr(ref.entries[0].source, '\n'));
}

static void test_versions(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_free_ char *name = NULL, *tagged = NULL, *gone = NULL, *text = NULL;
    _cleanup_store_removed_ StoreRemoved removed = {};
    _cleanup_ref_ Ref ref = {};
    Digest manifest = {}, a = digest_of('a');
    size_t back = 0;

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_ERROR(store_rollback(store, "web", 1, &name, &manifest, NULL), ENOENT);
    ASSERT_OK(add_image(store, 'b', '2', false, "web:latest"));
    /* What a name meant stays, also when garbage is collected. */
    ASSERT_OK(store_collect_garbage(store, NULL));
    ASSERT_OK(store_rollback(store, "web", 1, &name, &manifest, NULL));
    ASSERT_STREQ(name, "web:latest");
    ASSERT_TRUE(digest_equal(&manifest, &a));
    ASSERT_OK(refs_load(store, "web:latest", &ref, NULL));
    ASSERT_EQ(ref.count, 3);
    ASSERT_EQ(ref_current(&ref)->manifest.hex[0], 'a');
    ASSERT_ERROR(store_rollback(store, "web", 3, &gone, &manifest, NULL), ENOENT);
    ASSERT_ERROR(store_rollback(store, "aaaa", 1, &gone, &manifest, NULL), ENOENT);

    ASSERT_OK(store_tag(store, "web", "localhost/old:1", &tagged, NULL));
    ASSERT_STREQ(tagged, "localhost/old:1");
    ASSERT_ERROR(store_tag(store, "nothing", "x", &gone, NULL), ENOENT);
    ASSERT_ERROR(store_tag(store, "web", "Not A Name", &gone, NULL), EINVAL);
    ASSERT_OK(store_untag(store, "old:1", &gone, NULL));
    ASSERT_STREQ(gone, "localhost/old:1");
    ASSERT_TRUE(store_has_image(store, &a));
    /* A value whose image is gone cannot be gone back to. */
    ASSERT_OK(store_remove_image(store, "sha256:bbbb", 0, &removed, NULL));
    ASSERT_ERROR(store_rollback(store, "web", 1, &text, &manifest, NULL), ENOENT);

    free(TAKE_PTR(text));
    ASSERT_OK(store_parse_version("web:1@12", &text, &back, NULL));
    ASSERT_STREQ(text, "web:1");
    ASSERT_EQ(back, 12);
    ASSERT_ERROR(store_parse_version("web@0", &gone, &back, NULL), EINVAL);
    ASSERT_ERROR(store_parse_version("web@sha256:00", &gone, &back, NULL), EINVAL);
}

static void test_ref_parse(void)
{
    static const char *const bad[] = {"", "x", "1 sha256:00\n", "1\n", "\n", "x sha256:00 y\n"};
    Ref ref = {};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        ASSERT_ERROR(ref_parse(bad[i], strlen(bad[i]), &ref, NULL), EINVAL);
    ASSERT_ERROR(ref_parse("a\0b\n", 4, &ref, NULL), EINVAL);
}

static void test_list(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_strv_ char **damaged = NULL;

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '1', false, "db:latest"));
    ASSERT_OK(write_file(store, "refs/broken:latest", "nonsense"));
    ASSERT_OK(store_list_images(store, &list, &damaged, NULL));
    ASSERT_EQ(list.count, 3);
    ASSERT_STREQ(list.images[0]->reference, "db:latest");
    ASSERT_STREQ(list.images[1]->reference, "web:latest");
    ASSERT_NULL(list.images[2]->reference);
    ASSERT_EQ(list.images[2]->id.hex[0], 'a');
    ASSERT_EQ(strv_length(damaged), 1);
    ASSERT_CONTAINS(damaged[0], "broken:latest");
}

static void test_remove(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_removed_ StoreRemoved removed = {};

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '2', false, "db:latest"));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:1"));
    ASSERT_OK(store_remove_image(store, "web:1", 0, &removed, NULL));
    ASSERT_EQ(strv_length(removed.untagged), 1);
    ASSERT_EQ(strv_length(removed.deleted), 0);
    ASSERT_TRUE(has(store, "images", 'a'));
    store_removed_done(&removed);
    ASSERT_OK(store_remove_image(store, "web", 0, &removed, NULL));
    ASSERT_EQ(strv_length(removed.deleted), 1);
    ASSERT_TRUE(removed.is_swept);
    ASSERT_FALSE(has(store, "images", 'a') || has(store, "layers", '1') || has(store, "blobs/sha256", '1') ||
                 has(store, "blobs/sha256", 'a'));
    ASSERT_TRUE(has(store, "images", 'b') && has(store, "layers", '2') && has(store, "blobs/sha256", '2'));
    store_removed_done(&removed);
    ASSERT_ERROR(store_remove_image(store, "web", 0, &removed, NULL), ENOENT);
}

static void test_remove_by_id(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_removed_ StoreRemoved removed = {};
    _cleanup_error_ Error error = {};

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:1"));
    ASSERT_ERROR(store_remove_image(store, "aaaa", 0, &removed, &error), ENOTUNIQ);
    ASSERT_CONTAINS(error.text, "web:1");
    ASSERT_OK(store_remove_image(store, "aaaa", STORE_REMOVE_FORCE, &removed, NULL));
    ASSERT_EQ(strv_length(removed.untagged), 2);
    ASSERT_FALSE(has(store, "images", 'a') || has(store, "layers", '1'));
}

/* THREATS R20: a container's supervisor keeps a copy of the lock. */
static void test_remove_in_use(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_store_removed_ StoreRemoved removed = {};
    _cleanup_error_ Error error = {};
    _cleanup_close_ int inherited = -EBADF;

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(store_find_image(store, "web", &image, NULL));
    inherited = dup(image->lock_fd);
    store_image_free(TAKE_PTR(image));
    ASSERT_ERROR(store_remove_image(store, "web", 0, &removed, &error), EBUSY);
    ASSERT_TRUE(has(store, "images", 'a') && has(store, "layers", '1'));
    ASSERT_OK(store_remove_image(store, "web", STORE_REMOVE_FORCE, &removed, NULL));
    ASSERT_EQ(strv_length(removed.untagged), 1);
    ASSERT_TRUE(has(store, "images", 'a') && has(store, "layers", '1'));
    inherited = safe_close(inherited);
    store_removed_done(&removed);
    ASSERT_OK(store_remove_image(store, "aaaaaa", 0, &removed, NULL));
    ASSERT_FALSE(has(store, "images", 'a') || has(store, "layers", '1'));
}

static void test_garbage(void)
{
    _cleanup_store_ Store *store = NULL;
    StoreAddition *addition = NULL;
    Digest layer = digest_of('9');

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(store_begin_addition(store, &addition, NULL));
    ASSERT_OK(add_layer(addition, &layer));
    ASSERT_EQ(store_collect_garbage(store, NULL), 1); /* not while something is added */
    ASSERT_TRUE(has(store, "layers", '9'));
    /* The addition fails here: its layer is nobody's. */
    store_end_addition(addition);
    ASSERT_FALSE(has(store, "layers", '9') || has(store, "blobs/sha256", '9'));
    ASSERT_TRUE(has(store, "layers", '1'));
    ASSERT_OK(write_file(store, "refs/.#web:latest.0123456789abcdef", "x"));
    ASSERT_OK(mkdirat(store->fd, "tmp/0123456789abcdef", 0700));
    ASSERT_OK(store_collect_garbage(store, NULL));
    ASSERT_TRUE(faccessat(store->fd, "refs/.#web:latest.0123456789abcdef", F_OK, 0) < 0);
    ASSERT_TRUE(faccessat(store->fd, "tmp/0123456789abcdef", F_OK, 0) < 0);
}

/* THREATS R3: only the damaged object is lost, and it can be removed. */
static void test_damage(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_store_removed_ StoreRemoved removed = {};
    _cleanup_error_ Error error = {};
    Digest a = digest_of('a');

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(add_image(store, 'b', '2', false, "db:latest"));
    ASSERT_OK(write_file(store, store_path("images", &a, "").text, "{\"conf"));
    ASSERT_ERROR(store_find_image(store, "web", &image, &error), EUCLEAN);
    ASSERT_CONTAINS(error.text, "images/aaaa");
    ASSERT_OK(store_find_image(store, "db", &image, NULL));
    ASSERT_TRUE(store_collect_garbage(store, NULL) < 0);
    ASSERT_TRUE(has(store, "layers", '1'));
    ASSERT_OK(store_remove_image(store, "web", 0, &removed, NULL));
    ASSERT_FALSE(has(store, "images", 'a') || has(store, "layers", '1'));
    ASSERT_OK(write_file(store, "refs/web:latest", "12345"));
    store_removed_done(&removed);
    ASSERT_OK(store_remove_image(store, "web", 0, &removed, NULL));
    ASSERT_ERROR(store_remove_image(store, "web", 0, &removed, NULL), ENOENT);
}

static void test_lost_config(void)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_error_ Error error = {};
    StoreImage *image = NULL;
    Digest a = digest_of('a'), layer = digest_of('1');

    ASSERT_OK(open_store(&store));
    ASSERT_OK(add_image(store, 'a', '1', false, "web:latest"));
    ASSERT_OK(file_remove_tree_at(store->fd, store_path("layers", &layer, "").text));
    ASSERT_ERROR(store_find_image(store, "web", &image, &error), EUCLEAN);
    ASSERT_CONTAINS(error.text, "layers/1111");
    error_done(&error);
    ASSERT_OK(unlinkat(store->fd, store_path("blobs/sha256", &a, "").text, 0));
    ASSERT_ERROR(store_find_image(store, "web", &image, &error), EUCLEAN);
    ASSERT_CONTAINS(error.text, "blobs/sha256/aaaa");
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } tests[] = {
        {"open", test_open},
        {"find", test_find},
        {"find_order_and_digest", test_find_order_and_digest},
        {"nearest", test_nearest},
        {"history", test_history},
        {"versions", test_versions},
        {"ref_parse", test_ref_parse},
        {"list", test_list},
        {"remove", test_remove},
        {"remove_by_id", test_remove_by_id},
        {"remove_in_use", test_remove_in_use},
        {"garbage", test_garbage},
        {"damage", test_damage},
        {"lost_config", test_lost_config},
    };

    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    for (size_t i = 0; i < ELEMENTSOF(tests); i++) {
        reset();
        test_run_one(tests[i].name, tests[i].function);
    }
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
