/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Request-ID: no standard, but what proxies and people use to find one request in many logs. It
 * is kept as it came, so its characters are limited to what harms no header and no log line.
 */
#include "context/context.h"

#include <string.h>

#include "base/hex.h"
#include "context/text.h"

int request_id_parse(struct context *ctx, const char *s, size_t len)
{
	struct text t = text_trim((struct text){s, len});

	if (t.len == 0 || t.len > CONTEXT_REQUEST_ID_MAX)
		return context_refuse(REFUSAL_REQUEST_ID);
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < 0x21 || t.at[i] > 0x7e)
			return context_refuse(REFUSAL_REQUEST_ID);
	}
	memcpy(ctx->request_id, t.at, t.len);
	ctx->request_id_len = (uint16_t)t.len;
	return 0;
}

void context_name_request(struct context *ctx)
{
	hex_encode(ctx->request_id, ctx->span.trace_id, CONTEXT_TRACE_ID_LEN);
	ctx->request_id_len = 2 * CONTEXT_TRACE_ID_LEN;
}
