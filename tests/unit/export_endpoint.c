/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where spans are sent: the OTEL_EXPORTER_OTLP_* settings, their precedence and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "export/endpoint.h"

static struct config config;
static struct endpoint endpoint;
static char error[256];

/** Settings stay readable after the call: the endpoint points into them. */
static int read_with(const char *base, const char *const *variables, size_t count)
{
	static char texts[8][256];
	char *environment[9] = { NULL };

	assert_true(count < 8);
	for (size_t i = 0; i < count; i++)
		environment[i] = strcpy(texts[i], variables[i]);
	config_read(&config, environment, false);
	return endpoint_read(&config, base, &endpoint, error, sizeof(error));
}

#define READ(base, ...) \
	read_with(base, (const char *[]){ "UNUSED=1", ##__VA_ARGS__ }, \
		  sizeof((const char *[]){ "UNUSED=1", ##__VA_ARGS__ }) / sizeof(char *))

static void urls(void **state)
{
	(void)state;
	assert_int_equal(READ(NULL), 0);
	assert_null(endpoint.url);
	assert_int_equal(READ(NULL, "OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318"), 0);
	assert_string_equal(endpoint.url, "http://h:4318/v1/traces");
	endpoint_free(&endpoint);
	assert_int_equal(READ(NULL, "OTEL_EXPORTER_OTLP_ENDPOINT=https://h/base/"), 0);
	assert_string_equal(endpoint.url, "https://h/base/v1/traces");
	endpoint_free(&endpoint);
	assert_int_equal(READ(NULL, "OTEL_EXPORTER_OTLP_ENDPOINT=http://h:1",
			      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:2/x"), 0);
	assert_string_equal(endpoint.url, "http://t:2/x");
	endpoint_free(&endpoint);
	assert_int_equal(READ("http://o:3", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:2/x"), 0);
	assert_string_equal(endpoint.url, "http://o:3/v1/traces");
	endpoint_free(&endpoint);
	assert_int_equal(READ("http://o:3/v1/traces"), 0);
	assert_string_equal(endpoint.url, "http://o:3/v1/traces");
	endpoint_free(&endpoint);
	assert_true(READ("ftp://o") < 0);
	assert_non_null(strstr(error, "ftp://o"));
	assert_true(READ("localhost:4318") < 0);
}

static void protocol_compression_timeout(void **state)
{
	(void)state;
	assert_int_equal(READ("http://h"), 0);
	assert_false(endpoint.json);
	assert_false(endpoint.gzip);
	assert_int_equal(endpoint.timeout_ms, 10000);
	endpoint_free(&endpoint);
	assert_int_equal(READ("http://h", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
			      "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
			      "OTEL_EXPORTER_OTLP_TIMEOUT=250",
			      "OTEL_EXPORTER_OTLP_CERTIFICATE=/ca.pem"),
			 0);
	assert_true(endpoint.json && endpoint.gzip);
	assert_int_equal(endpoint.timeout_ms, 250);
	assert_string_equal(endpoint.ca_file, "/ca.pem");
	endpoint_free(&endpoint);
	assert_int_equal(READ("http://h", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
			      "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"), 0);
	assert_false(endpoint.json);
	endpoint_free(&endpoint);
	assert_true(READ("http://h", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc") < 0);
	assert_non_null(strstr(error, "grpc"));
	assert_true(READ("http://h", "OTEL_EXPORTER_OTLP_COMPRESSION=lzma") < 0);
}

static void headers(void **state)
{
	(void)state;
	assert_int_equal(
		READ("http://h", "OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b%2Cc, X-Two = 2"), 0);
	assert_string_equal(endpoint.headers->line, "api-key: a b,c");
	assert_string_equal(endpoint.headers->next->line, "X-Two: 2");
	assert_null(endpoint.headers->next->next);
	endpoint_free(&endpoint);
	assert_true(READ("http://h", "OTEL_EXPORTER_OTLP_HEADERS=a=x%0d%0aEvil: 1") < 0);
	assert_true(READ("http://h", "OTEL_EXPORTER_OTLP_HEADERS=a%20b=x") < 0);
	assert_int_equal(READ("http://h", "OTEL_EXPORTER_OTLP_HEADERS=a=1",
			      "OTEL_EXPORTER_OTLP_TRACES_HEADERS=b=2"), 0);
	assert_string_equal(endpoint.headers->line, "b: 2");
	endpoint_free(&endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(protocol_compression_timeout),
		cmocka_unit_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
