/* SPDX-License-Identifier: MIT */
/* What a file said besides its pixels, kept for the file that is written. */
#include <string.h>

#include "image/image.h"
#include "image/vips_room.h"

pln_file_info *pln_file_info_ref(pln_file_info *info)
{
    if (info) atomic_fetch_add(&info->references, 1);
    return info;
}

void pln_file_info_unref(pln_file_info *info)
{
    if (!info || atomic_fetch_sub(&info->references, 1) > 1) return;
    if (info->head) g_object_unref(info->head);
    pln_free(info);
}

void pln_copy_fields(VipsImage *from, VipsImage *to)
{
    char **names = vips_image_get_fields(from);
    for (char **n = names; n && *n; n++) {
        GValue value = G_VALUE_INIT;
        /* Size and format of the picture itself are not metadata. */
        if (vips_image_get_typeof(to, *n) && !g_str_has_prefix(*n, "icc") &&
            !g_str_has_prefix(*n, "exif"))
            continue;
        if (vips_image_get(from, *n, &value)) continue;
        vips_image_set(to, *n, &value);
        g_value_unset(&value);
    }
    g_strfreev(names);
    to->Xres = from->Xres;
    to->Yres = from->Yres;
}

pln_status pln_make_info(pln_context *ctx, VipsImage *from, const char *format,
                         VipsInterpretation space, pln_image *image)
{
    pln_file_info *info = NULL;
    VipsImage *black = NULL;
    char text[512];
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *info, &info));
    atomic_init(&info->references, 1);
    info->space = space;
    g_strlcpy(info->format, format, sizeof info->format);
    if (vips_black(&black, 1, 1, NULL) || !(info->head = vips_image_copy_memory(black))) {
        s = pln_fail(ctx, PLN_E_MEMORY, "metadata: %s", pln_vips_error(text));
        goto done;
    }
    if (info->head == black) black = NULL;
    pln_copy_fields(from, info->head);
    image->info = info;
    info = NULL;
done:
    pln_file_info_unref(info);
    if (black) g_object_unref(black);
    return s;
}
