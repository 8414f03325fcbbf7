/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* required_tier() over everything that it can be asked. */
#include "proto/tier.h"

#include "test.h"

typedef void (*Check)(const TierFacts *facts, BusTier tier);

static void for_each(Check check)
{
    for (BusTier least = 0; least < _BUS_TIER_MAX; least++)
        for (unsigned bits = 0; bits < 1U << 7; bits++) {
            TierFacts facts = {
                .least = least,
                .is_about = bits & 1,
                .is_missing = bits & 2,
                .is_own = bits & 4,
                .is_foreign = bits & 8,
                .enters = bits & 16,
                .configures = bits & 32,
                .is_isolated = bits & 64,
            };

            if (!test_failed)
                check(&facts, required_tier(&facts));
        }
}

static void check_fixed(const TierFacts *facts, BusTier tier)
{
    if (facts->least == BUS_TIER_READ || facts->least == BUS_TIER_ROOT)
        ASSERT_EQ(tier, facts->least);
    ASSERT_TRUE(tier < _BUS_TIER_MAX);
}

static void check_never_lowered_for_others(const TierFacts *facts, BusTier tier)
{
    if (!facts->is_own)
        ASSERT_TRUE(tier >= facts->least);
}

static void check_running_code_where_root_is_the_hosts(const TierFacts *facts, BusTier tier)
{
    if (facts->least != BUS_TIER_READ && (facts->enters || facts->configures) && !facts->is_isolated)
        ASSERT_EQ(tier, BUS_TIER_ROOT);
}

static void check_missing_is_like_forbidden(const TierFacts *facts, BusTier tier)
{
    if (!facts->is_about || !facts->is_missing)
        return;
    /* The answer depends on the method alone. */
    for (unsigned bits = 0; bits < 8; bits++) {
        TierFacts other = *facts;

        other.is_own = bits & 1;
        other.is_foreign = bits & 2;
        other.is_isolated = bits & 4;
        ASSERT_EQ(required_tier(&other), tier);
    }
    /* And is no less than for anything that there could be. */
    for (unsigned bits = 0; bits < 8; bits++) {
        TierFacts other = *facts;

        other.is_missing = false;
        other.is_own = bits & 1;
        other.is_foreign = bits & 2;
        other.is_isolated = bits & 4;
        ASSERT_TRUE(required_tier(&other) <= tier);
    }
}

static void check_owner(const TierFacts *facts, BusTier tier)
{
    if (!facts->is_own || facts->is_missing || facts->enters || facts->configures)
        return;
    if (facts->least == BUS_TIER_INSPECT)
        ASSERT_EQ(tier, BUS_TIER_READ);
    /* To own a container of ours is no right to end it past polkit: only what is registered is the owner's process. */
    if (facts->least == BUS_TIER_MANAGE)
        ASSERT_EQ(tier, facts->is_foreign ? BUS_TIER_READ : BUS_TIER_MANAGE);
}

static void test_fixed_tiers(void)
{
    for_each(check_fixed);
}

static void test_never_lowered_for_others(void)
{
    for_each(check_never_lowered_for_others);
}

static void test_running_code_where_root_is_the_hosts(void)
{
    for_each(check_running_code_where_root_is_the_hosts);
}

static void test_missing_is_like_forbidden(void)
{
    for_each(check_missing_is_like_forbidden);
}

static void test_owner(void)
{
    for_each(check_owner);
}

static void test_actions(void)
{
    ASSERT_NULL(bus_tier_action(BUS_TIER_READ));
    for (BusTier tier = BUS_TIER_READ + 1; tier < _BUS_TIER_MAX; tier++)
        ASSERT_CONTAINS(bus_tier_action(tier), "org.berth1.");
    for (BusTier tier = 0; tier < _BUS_TIER_MAX; tier++)
        ASSERT_NOT_NULL(bus_tier_to_string(tier));
}

int main(void)
{
    TEST_RUN(test_fixed_tiers);
    TEST_RUN(test_never_lowered_for_others);
    TEST_RUN(test_running_code_where_root_is_the_hosts);
    TEST_RUN(test_missing_is_like_forbidden);
    TEST_RUN(test_owner);
    TEST_RUN(test_actions);
    return test_finish();
}
