/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/dl.h"

#include <dlfcn.h>
#include <errno.h>

int dl_load(DlLibrary *library, Error *error)
{
    void *handle;

    if (library->handle)
        return 0;
    handle = dlopen(library->soname, RTLD_NOW | RTLD_NODELETE);
    if (!handle)
        return error_hint(error,
                          error_set(error, -EOPNOTSUPP, "%s needs %s, which cannot be loaded: %s", library->feature,
                                    library->soname, dlerror()),
                          "install the package %s", library->package);
    for (size_t i = 0; i < library->symbols_count; i++) {
        *library->symbols[i].pointer = dlsym(handle, library->symbols[i].name);
        if (!*library->symbols[i].pointer)
            return error_set(error, -EOPNOTSUPP, "%s needs %s of %s, which this version does not have",
                             library->feature, library->symbols[i].name, library->soname);
    }
    library->handle = handle;
    return 0;
}
