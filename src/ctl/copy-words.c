/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/copy-words.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

void copy_word_done(CopyWord *word)
{
    free(word->name);
    free(word->path);
    *word = (CopyWord){};
}

int copy_word_parse(const char *text, CopyWord *ret, Error *error)
{
    _cleanup_copy_word_ CopyWord word = {};
    const char *colon = strchr(text, ':'), *path = text;

    if (text[0] == 0)
        return error_set(error, -EINVAL, "an empty path");
    if (strcmp(text, "-") == 0) {
        ret->kind = COPY_WORD_STREAM;
        ret->name = ret->path = NULL;
        return 0;
    }
    if (text[0] != '/' && text[0] != '.' && colon) {
        word.kind = COPY_WORD_INSIDE;
        word.name = strndup(text, (size_t) (colon - text));
        if (!word.name)
            return -ENOMEM;
        if (!text_is_name(word.name))
            return error_hint(error, error_set(error, -EINVAL, "'%s' is not the name of a container", word.name),
                              "a file here whose name has a colon is written ./%s", text);
        path = colon + 1;
    }
    if (path[0] == 0)
        return error_set(error, -EINVAL, "'%s' has no path", text);
    word.path = strdup(path);
    if (!word.path)
        return -ENOMEM;
    *ret = word;
    word = (CopyWord){};
    return 0;
}
