/* SPDX-License-Identifier: MIT */
/* Protocol buffers, the encoding of ONNX: a message is a row of fields, each a key (number << 3 |
 * wire type) and a value: a varint, 4 bytes, or a length and bytes, which may be a message.
 * (protobuf.dev, "Encoding".) */
#ifndef PLN_NN_ONNX_PROTOBUF_H
#define PLN_NN_ONNX_PROTOBUF_H

#include "core/core.h"

/* ---- Writing: the first error stays ---- */

struct pnn_proto {
    pln_context *ctx;
    pln_status status;
    uint8_t *bytes;
    size_t used, room;
};

void pnn_proto_int(struct pnn_proto *p, int field, int64_t value);
void pnn_proto_float(struct pnn_proto *p, int field, float value);
void pnn_proto_text(struct pnn_proto *p, int field, const char *text);
/* Everything up to pnn_proto_close(p, pnn_proto_open(p, field)) is the message, or the bytes, of
 * this field. */
size_t pnn_proto_open(struct pnn_proto *p, int field);
void pnn_proto_close(struct pnn_proto *p, size_t mark);
/* `count` more bytes of an open field, to be filled before the next call; NULL on error. */
uint8_t *pnn_proto_room(struct pnn_proto *p, size_t count);

/* ---- Reading ---- */

struct pnn_proto_field {
    int number;
    uint64_t value; /* of a varint; length of bytes */
    const uint8_t *bytes;
};
/* The next field of the message in [*at, end), moving *at; false at its end, and on damage, which
 * also sets *damaged. */
bool pnn_proto_next(const uint8_t **at, const uint8_t *end, struct pnn_proto_field *field,
                    bool *damaged);

#endif
