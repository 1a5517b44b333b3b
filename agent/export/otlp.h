/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch as one OTLP ExportTraceServiceRequest, in protobuf or in OTLP's JSON, and what the
 * receiver answers. The wire schema is otlp.proto; JSON follows the OTLP specification: lower camel
 * case, ids in hex, enums as numbers, 64-bit integers as strings.
 */
#ifndef EXPORT_OTLP_H
#define EXPORT_OTLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/batch.h"
#include "export/memory.h"

/** Span.flags: the W3C flags, bit 8: the next one is meaningful, bit 9: the parent is remote. */
#define OTLP_FLAG_HAS_IS_REMOTE 0x100u
#define OTLP_FLAG_IS_REMOTE 0x200u

/**
 * Append the request to @out; @scratch is used and reset. Records that are no spans are left out.
 */
void otlp_encode_protobuf(const struct batch *b, struct arena *scratch, struct buffer *out);
void otlp_encode_json(const struct batch *b, struct arena *scratch, struct buffer *out);

uint32_t otlp_span_flags(const struct model_span *span);

/** What the receiver refused although it accepted the request. */
struct otlp_partial {
	int64_t rejected_spans;
	char message[256];		/* may be there with 0 rejected: a warning */
};

/**
 * Reads a response body. An empty one is full success. Returns 0, or -EBADMSG when it is not an
 * ExportTraceServiceResponse (*out is then full success).
 */
int otlp_decode_protobuf(const char *body, size_t len, struct otlp_partial *out);
int otlp_decode_json(const char *body, size_t len, struct otlp_partial *out);

#endif
