/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/secret.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char place[] = "/tmp/test-secret.XXXXXX";
static int store_fd = -EBADF;

static void assert_is(const char *name, const char *expected)
{
    _cleanup_free_ char *data = NULL;
    size_t size = 0;

    ASSERT_OK(secret_read(store_fd, name, &data, &size, NULL));
    ASSERT_EQ(size, strlen(expected));
    ASSERT_STREQ(data, expected);
}

static void written_and_replaced(void)
{
    _cleanup_secret_info_ SecretInfo info = {}, later = {};
    _cleanup_error_ Error error = {};
    _cleanup_strv_ char **names = NULL;
    struct stat st;

    ASSERT_OK(secret_write(store_fd, "key", SECRET_CREATE, "none", "one\n", 4, NULL));
    assert_is("key", "one\n");
    ASSERT_OK(fstatat(store_fd, "key", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0600);
    ASSERT_ERROR(secret_write(store_fd, "key", SECRET_CREATE, "none", "two", 3, &error), EEXIST);
    ASSERT_CONTAINS(error.hint, "--replace");
    assert_is("key", "one\n");
    ASSERT_OK(secret_load_info(store_fd, "key", &info, NULL));
    ASSERT_OK(secret_write(store_fd, "key", SECRET_REPLACE, "none", "two", 3, NULL));
    assert_is("key", "two");
    ASSERT_OK(secret_load_info(store_fd, "key", &later, NULL));
    ASSERT_EQ(later.created_usec, info.created_usec);
    ASSERT_TRUE(later.updated_usec > info.updated_usec);
    ASSERT_STREQ(later.encryption, "none");
    ASSERT_OK(secret_write(store_fd, "another", SECRET_REPLACE, "none", "\n{", 2, NULL));
    assert_is("another", "\n{");
    ASSERT_OK(secrets_list(store_fd, &names));
    ASSERT_EQ(strv_length(names), 2);
    ASSERT_OK(secret_remove(store_fd, "another", NULL));
    ASSERT_ERROR(secret_remove(store_fd, "another", NULL), ENOENT);
}

static void refused(void)
{
    static char large[SECRET_MAX_BYTES + 1];
    static const char *const names[] = {"", ".", "..", "../key", "a/b", ".hidden", "-x", "a b", "a,b", "a=b"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        ASSERT_ERROR(secret_write(store_fd, names[i], SECRET_REPLACE, "none", "x", 1, NULL), EINVAL);
    ASSERT_ERROR(secret_write(store_fd, "key", SECRET_REPLACE, "none", "", 0, NULL), ENODATA);
    ASSERT_ERROR(secret_write(store_fd, "key", SECRET_REPLACE, "none", large, sizeof(large), NULL), E2BIG);
    ASSERT_ERROR(secret_write(store_fd, "key", SECRET_REPLACE, "null", "x", 1, NULL), EINVAL);
    assert_is("key", "two");
    ASSERT_OK(secret_write(store_fd, "large", SECRET_REPLACE, "none", large, SECRET_MAX_BYTES, NULL));
    ASSERT_OK(secret_remove(store_fd, "large", NULL));
}

/* Nobody is told what is in it. */
static void damaged(void)
{
    static const char *const files[] = {
        "",          "{", "secret", "{}\nsecret", "{\"encryption\":\"rot13\"}\nsecret", "{\"encryption\":\"none\"}",
        "[]\nsecret"};

    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        _cleanup_secret_info_ SecretInfo info = {};
        _cleanup_error_ Error error = {};
        char *data = NULL;
        size_t size = 0;

        ASSERT_OK(file_write_atomic_at(store_fd, "damaged", files[i], strlen(files[i]), 0600, 0));
        ASSERT_ERROR(secret_load_info(store_fd, "damaged", &info, NULL), EBADMSG);
        ASSERT_ERROR(secret_read(store_fd, "damaged", &data, &size, &error), EBADMSG);
        ASSERT_CONTAINS(error.text, "'damaged' is damaged");
        if (strstr(error.text, "secret\n") || strstr(error.text, "rot13"))
            TEST_FAIL("%s", error.text);
    }
    /* And it can be put right. */
    ASSERT_OK(secret_write(store_fd, "damaged", SECRET_REPLACE, "none", "x", 1, NULL));
    assert_is("damaged", "x");
    ASSERT_OK(unlinkat(store_fd, "damaged", 0));
    ASSERT_OK(symlinkat("key", store_fd, "damaged"));
    ASSERT_ERROR(secret_load_info(store_fd, "damaged", &(SecretInfo){}, NULL), ELOOP);
    ASSERT_OK(unlinkat(store_fd, "damaged", 0));
}

static int data_fd = -EBADF;

static void opened(void)
{
    ASSERT_NOT_NULL(mkdtemp(place));
    data_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_ERROR(secrets_open(data_fd, false, &store_fd), ENOENT);
    ASSERT_OK(secrets_open(data_fd, true, &store_fd));
}

int main(void)
{
    TEST_RUN(opened);
    TEST_RUN(written_and_replaced);
    TEST_RUN(refused);
    TEST_RUN(damaged);
    safe_close(store_fd);
    safe_close(data_fd);
    (void) file_remove_tree_at(AT_FDCWD, place);
    return test_finish();
}
