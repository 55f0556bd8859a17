/* SPDX-License-Identifier: MIT */
/* Protocol buffers, written into one growing block, read in place. */
#include "nn/onnx/protobuf.h"

#include <string.h>

#include "nn/half.h"

enum wire { VARINT = 0, EIGHT = 1, BYTES = 2, FOUR = 5 };
enum { VARINT_MAX = 10 };

/* ---- Writing ---- */

uint8_t *pnn_proto_room(struct pnn_proto *p, size_t count)
{
    if (p->status) return NULL;
    if (count > p->room - p->used) {
        uint8_t *more = NULL;
        size_t room = 2 * p->room + 4096;
        if (count > SIZE_MAX / 4 - room)
            room = SIZE_MAX;
        else
            room += count;
        if ((p->status = pln_alloc(p->ctx, room, 1, &more))) return NULL;
        if (p->used) memcpy(more, p->bytes, p->used);
        pln_free(p->bytes);
        p->bytes = more;
        p->room = room;
    }
    p->used += count;
    return p->bytes + p->used - count;
}

/* Seven bits a byte, low ones first, the top bit says that more follow. */
static size_t varint(uint64_t value, uint8_t to[VARINT_MAX])
{
    size_t n = 0;
    for (; value > 0x7f; value >>= 7) to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

static void put_varint(struct pnn_proto *p, uint64_t value)
{
    uint8_t text[VARINT_MAX];
    size_t n = varint(value, text);
    uint8_t *to = pnn_proto_room(p, n);
    if (to) memcpy(to, text, n);
}

static void put_key(struct pnn_proto *p, int field, enum wire wire)
{
    put_varint(p, (uint64_t)field << 3 | wire);
}

void pnn_proto_int(struct pnn_proto *p, int field, int64_t value)
{
    put_key(p, field, VARINT);
    put_varint(p, (uint64_t)value);
}

void pnn_proto_float(struct pnn_proto *p, int field, float value)
{
    put_key(p, field, FOUR);
    uint8_t *to = pnn_proto_room(p, 4);
    for (int i = 0; to && i < 4; i++) to[i] = (uint8_t)(pnn_bits_of_f32(value) >> (8 * i));
}

void pnn_proto_text(struct pnn_proto *p, int field, const char *text)
{
    size_t n = strlen(text);
    put_key(p, field, BYTES);
    put_varint(p, n);
    uint8_t *to = pnn_proto_room(p, n);
    if (to) memcpy(to, text, n);
}

size_t pnn_proto_open(struct pnn_proto *p, int field)
{
    put_key(p, field, BYTES);
    return p->used;
}

/* The length stands before the bytes and has a length itself: they move to make room. */
void pnn_proto_close(struct pnn_proto *p, size_t mark)
{
    uint8_t text[VARINT_MAX];
    size_t length = p->used - mark, n = varint(length, text);
    if (!pnn_proto_room(p, n)) return;
    memmove(p->bytes + mark + n, p->bytes + mark, length);
    memcpy(p->bytes + mark, text, n);
}

/* ---- Reading ---- */

static bool get_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

bool pnn_proto_next(const uint8_t **at, const uint8_t *end, struct pnn_proto_field *field,
                    bool *damaged)
{
    uint64_t key, length = 0;
    if (*at == end) return false;
    *damaged = true;
    if (!get_varint(at, end, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff) return false;
    *field = (struct pnn_proto_field){.number = (int)(key >> 3)};
    switch (key & 7) {
    case VARINT:
        if (!get_varint(at, end, &field->value)) return false;
        break;
    case EIGHT:
        length = 8;
        break;
    case BYTES:
        if (!get_varint(at, end, &length)) return false;
        break;
    case FOUR:
        length = 4;
        break;
    default:
        return false;
    }
    if (length > (size_t)(end - *at)) return false;
    if ((key & 7) != VARINT) {
        field->bytes = *at;
        field->value = length;
        *at += length;
    }
    *damaged = false;
    return true;
}
