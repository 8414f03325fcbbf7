/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "base/buffer.h"
#include "base/strv.h"
#include "store/image-config.h"
#include "store/image-manifest.h"

#include <errno.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}"

static int parse(const char *json, ImageConfig **ret, Error *error)
{
    return image_config_parse(json, strlen(json), ret, error);
}

static void test_full(void)
{
    _cleanup_image_config_ ImageConfig *config = NULL;
    _cleanup_error_ Error error = {};
    static const char json[] =
        "{\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\",\"author\":\"me\","
        "\"created\":\"2024-01-02T03:04:05.5+01:00\",\"unknown\":[1,2],"
        "\"config\":{\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"echo\"],\"Env\":[\"A=b\",\"C=\"],"
        "\"WorkingDir\":\"/w\",\"User\":\"1:2\",\"StopSignal\":\"SIGINT\",\"Volumes\":{\"/b\":{},\"/a\":{}},"
        "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Labels\":{\"z\":\"1\",\"a\":\"2\"}}," ROOTFS ","
        "\"history\":[{\"created_by\":\"x\",\"empty_layer\":true},{\"comment\":\"c\"}]}";

    ASSERT_OK(parse(json, &config, &error));
    ASSERT_STREQ(config->architecture, "arm64");
    ASSERT_STREQ(config->os, "linux");
    ASSERT_EQ(config->created_usec, 1704161045500000LL);
    ASSERT_TRUE(config->has_entrypoint);
    ASSERT_STREQ(config->entrypoint[1], "-c");
    ASSERT_STREQ(config->cmd[0], "echo");
    ASSERT_STREQ(config->env[1], "C=");
    ASSERT_STREQ(config->working_dir, "/w");
    ASSERT_STREQ(config->user, "1:2");
    ASSERT_STREQ(config->stop_signal, "SIGINT");
    ASSERT_STREQ(config->volumes[0], "/a");
    ASSERT_STREQ(config->exposed_ports[0], "53/udp");
    ASSERT_STREQ(image_config_find_label(config, "a"), "2");
    ASSERT_NULL(image_config_find_label(config, "b"));
    ASSERT_EQ(config->diff_ids_count, 1);
    ASSERT_STREQ(config->diff_ids[0].hex, HEX);
    ASSERT_EQ(config->history_count, 2);
    ASSERT_TRUE(config->history[0].is_empty_layer);
}

static void test_small(void)
{
    _cleanup_image_config_ ImageConfig *config = NULL, *empty = NULL;

    ASSERT_OK(parse("{\"config\":null,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}", &config, NULL));
    ASSERT_NULL(config->cmd);
    ASSERT_FALSE(config->has_entrypoint);
    ASSERT_EQ(config->diff_ids_count, 0);
    ASSERT_OK(parse("{\"config\":{\"Entrypoint\":[],\"Cmd\":\"sh\"}," ROOTFS "}", &empty, NULL));
    ASSERT_TRUE(empty->has_entrypoint);
    ASSERT_STREQ(empty->cmd[0], "sh");
    ASSERT_NULL(image_config_find_label(empty, "a"));
}

static void test_bad(void)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"", "JSON"},
        {"[]", "not an object"},
        {"{}", "rootfs is missing"},
        {"{" ROOTFS "} x", "JSON"},
        {"{" ROOTFS "," ROOTFS "}", "JSON"},
        {"{\"rootfs\":{\"type\":\"disk\"}}", "'disk'"},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}", "diff_ids[0]"},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}", "diff_ids[0]"},
        {"{\"config\":[]," ROOTFS "}", "config is not an object"},
        {"{\"config\":{\"Env\":[\"a\",1]}," ROOTFS "}", "config.Env[1] is not a string"},
        {"{\"config\":{\"User\":0}," ROOTFS "}", "config.User is not a string"},
        {"{\"config\":{\"User\":\"a\\u0000b\"}," ROOTFS "}", "JSON"},
        {"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}", "Labels"},
        {"{\"history\":[1]," ROOTFS "}", "history[0]"},
        {"{\"os\":\"\xff\"," ROOTFS "}", "JSON"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ImageConfig *config = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(parse(rows[i].json, &config, &error), EINVAL);
        ASSERT_NULL(config);
        ASSERT_CONTAINS(error.text, rows[i].text);
    }
}

static void test_limits(void)
{
    _cleanup_buffer_ Buffer deep = {}, many = {};
    _cleanup_error_ Error error = {};
    ImageConfig *config = NULL;

    for (unsigned i = 0; i < 100000; i++)
        buffer_append_string(&deep, "[");
    ASSERT_ERROR(image_config_parse(deep.data, deep.size, &config, NULL), EINVAL);
    buffer_append_string(&many, "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
    for (unsigned i = 0; i < 501; i++)
        buffer_append_format(&many, "%s\"sha256:" HEX "\"", i ? "," : "");
    buffer_append_string(&many, "]}}");
    ASSERT_ERROR(image_config_parse(many.data, many.size, &config, &error), EFBIG);
    ASSERT_CONTAINS(error.text, "501 layers");
    ASSERT_ERROR(image_config_parse("{}", IMAGE_CONFIG_MAX_BYTES + 1, &config, NULL), EFBIG);
}

static int parse_document(const char *json, ImageDocument *ret, Error *error)
{
    return image_document_parse(json, strlen(json), ret, error);
}

#define DESCRIPTOR "{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX "\",\"size\":3}"

static void test_documents(void)
{
    _cleanup_image_document_ ImageDocument manifest = {}, index = {};

    ASSERT_OK(
        parse_document("{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[" DESCRIPTOR "]}", &manifest, NULL));
    ASSERT_EQ(manifest.kind, IMAGE_DOCUMENT_MANIFEST);
    ASSERT_EQ(manifest.items_count, 1);
    ASSERT_EQ(manifest.items[0].size_bytes, 3);
    ASSERT_OK(parse_document("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX
                             "\",\"size\":1,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},"
                             "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}",
                             &index, NULL));
    ASSERT_EQ(index.kind, IMAGE_DOCUMENT_INDEX);
    ASSERT_STREQ(index.items[0].reference_name, "v1");
    ASSERT_EQ(image_platform_rank(&index.items[0], "amd64"), 3);
    ASSERT_EQ(image_platform_rank(&index.items[0], "arm64"), 0);
    ASSERT_EQ(image_platform_rank(&manifest.items[0], "arm64"), 1);
}

/* THREATS D6. */
static void test_bad_documents(void)
{
    static const char *const bad[] = {
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":1,\"config\":" DESCRIPTOR ",\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[],\"manifests\":[]}",
        "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"manifests\":[]}",
        "{\"schemaVersion\":2,\"layers\":[]}",
        "{\"schemaVersion\":2,\"mediaType\":\"application/"
        "vnd.oci.image.index.v1+json\",\"config\":" DESCRIPTOR ",\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX "\"},\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX "\",\"size\":-1},\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:../../x\",\"size\":1},\"layers\":[]}",
    };

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        ImageDocument document = {};
        _cleanup_error_ Error error = {};

        if (parse_document(bad[i], &document, &error) != -EINVAL || !error.text)
            TEST_FAIL("taken: %s", bad[i]);
    }
}

static void test_docker_list(void)
{
    _cleanup_docker_list_ DockerList list = {};
    static const char good[] = "[{\"Config\":\"c.json\",\"RepoTags\":null,\"Layers\":[\"a\",\"b\"]}]";
    static const char *const bad[] = {
        "{}", "[]", "[1]", "[{}]", "[{\"Config\":1}]", "[{\"Config\":\"c\",\"Layers\":{}}]"};

    ASSERT_OK(docker_list_parse(good, strlen(good), &list, NULL));
    ASSERT_EQ(list.count, 1);
    ASSERT_STREQ(list.images[0].layers[1], "b");
    ASSERT_NULL(list.images[0].names);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        DockerList none = {};

        ASSERT_ERROR(docker_list_parse(bad[i], strlen(bad[i]), &none, NULL), EINVAL);
    }
}

int main(void)
{
    TEST_RUN(test_full);
    TEST_RUN(test_small);
    TEST_RUN(test_bad);
    TEST_RUN(test_limits);
    TEST_RUN(test_documents);
    TEST_RUN(test_bad_documents);
    TEST_RUN(test_docker_list);
    return test_finish();
}
