/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where spans are sent and how: the OTEL_EXPORTER_OTLP_* settings and the --otlp option, checked.
 * The variables and their meaning are those of OpenTelemetry's OTLP exporter specification.
 */
#ifndef EXPORT_ENDPOINT_H
#define EXPORT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "export/memory.h"

struct endpoint_header {
	struct endpoint_header *next;
	const char *line;		/* "Name: value", decoded */
};

struct endpoint {
	struct arena arena;		/* what the pointers below point into */
	const char *url;		/* full, http or https; NULL: nothing to send to */
	const char *ca_file;		/* NULL: the system's */
	struct endpoint_header *headers;
	long timeout_ms;
	bool json;
	bool gzip;
};

/**
 * Fills @out. @base, when not NULL, is a base URL that wins over the environment ("/v1/traces" is
 * added unless it ends so already). Without @base and without a setting, out->url is NULL.
 * Returns 0, or -EINVAL with one line about the culprit in @error.
 */
int endpoint_read(const struct config *config, const char *base, struct endpoint *out, char *error,
		  size_t size);
void endpoint_free(struct endpoint *e);

#endif
