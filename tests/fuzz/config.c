/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as somebody could write them: every variable set to the input, the lists walked, the
 * numbers read. Nothing may be read behind a text's end, and what is out of bounds must have become
 * the default.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "context/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_list(const char *list, size_t size)
{
	const char *end = list + size, *at = list;
	struct config_pair pair;

	while (config_next_pair(&at, &pair))
		if (pair.key < list || pair.value + pair.value_len > end || !pair.key_len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *none[] = {NULL};
	char *environment[CONFIG_COUNT + 1] = {NULL};
	struct config config;
	const char *unknown;
	size_t unknown_len;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	walk_list(text, strlen(text));
	propagators_parse(text, &unknown, &unknown_len);
	if (unknown && (unknown < text || unknown + unknown_len > text + strlen(text)))
		abort();
	for (int i = 0; i < CONFIG_COUNT; i++) {
		size_t name = strlen(config_rows[i].variable);

		environment[i] = malloc(name + size + 2);
		if (!environment[i])
			abort();
		memcpy(environment[i], config_rows[i].variable, name);
		environment[i][name] = '=';
		memcpy(environment[i] + name + 1, text, size + 1);
	}
	config_read(&config, environment, false);
	if (config.ring_size < 512 * 1024 || config.ring_size > 64 * 1024 * 1024)
		abort();
	config_read(&config, none, true);
	for (int i = 0; i < CONFIG_COUNT; i++)
		free(environment[i]);
	free(text);
	return 0;
}
