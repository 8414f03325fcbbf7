/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Specifiers of definition files mean what they mean to systemd. */
#include "../test.h"

#include "inputs/specifier.h"

#include <errno.h>

static void means(const char *unit, const char *text, const char *expected)
{
    _cleanup_specifiers_ Specifiers specifiers = {};
    _cleanup_free_ char *expanded = NULL;

    ASSERT_OK(specifiers_set_unit(&specifiers, unit));
    ASSERT_OK(specifier_expand(&specifiers, text, &expanded, NULL));
    ASSERT_STREQ(expanded, expected);
}

static void of_a_unit(void)
{
    means("web", "%n %N %p [%i] %j", "web.service web web [] web");
    means("shop-web@a\\x2db-c", "%n|%N|%p|%P|%i|%I|%j",
          "shop-web@a\\x2db-c.service|shop-web@a\\x2db-c|shop-web|shop/web|a\\x2db-c|a-b/c|web");
    means("web@", "[%i]", "[]");
    means("web", "%t %S %C %L %E %T %V %h %u %U", "/run /var/lib /var/cache /var/log /etc /tmp /var/tmp /root root 0");
}

static void percent_signs(void)
{
    means("web", "100%% %", "100% %");
    means("web", "50%", "50%");
    means("web", "%%i", "%i");
    means("web", "%x %! %", "%x %! %");
}

static void what_has_no_value_here(void)
{
    _cleanup_specifiers_ Specifiers specifiers = {};
    _cleanup_error_ Error error = {};
    char *expanded = NULL;

    ASSERT_ERROR(specifier_expand(&specifiers, "x %o", &expanded, &error), EOPNOTSUPP);
    ASSERT_CONTAINS(error.text, "'%o'");
    ASSERT_NULL(expanded);
}

static void without_specifiers(void)
{
    _cleanup_free_ char *expanded = NULL, *escaped = NULL;

    ASSERT_OK(specifier_expand(NULL, "%i %% %o", &expanded, NULL));
    ASSERT_STREQ(expanded, "%i % %o");
    escaped = specifier_escape("%i 100% %%");
    ASSERT_STREQ(escaped, "%%i 100%% %%%%");
}

static void layer(void)
{
    _cleanup_(spec_layer_freep) SpecLayer *some = spec_layer_new(TRUST_ADMIN);
    _cleanup_specifiers_ Specifiers specifiers = {};
    _cleanup_error_ Error error = {};

    ASSERT_OK(specifiers_set(&specifiers, 'i', "blue"));
    ASSERT_OK(spec_layer_add(some, setting_of(offsetof(ContainerSpec, image)), "x:%i", "web.container:2"));
    ASSERT_OK(specifier_expand_layer(&specifiers, some, &error));
    ASSERT_STREQ(some->assignments[0].values[0], "x:blue");
    ASSERT_OK(spec_layer_add(some, setting_of(offsetof(ContainerSpec, image)), "x:%o", "web.container:3"));
    ASSERT_ERROR(specifier_expand_layer(&specifiers, some, &error), EOPNOTSUPP);
    ASSERT_CONTAINS(error.text, "web.container:3: ");
}

int main(void)
{
    TEST_RUN(of_a_unit);
    TEST_RUN(percent_signs);
    TEST_RUN(what_has_no_value_here);
    TEST_RUN(without_specifiers);
    TEST_RUN(layer);
    return test_finish();
}
