/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Meson wants a source for each library; those that check the layers consist of other libraries. */
typedef int not_empty;
