/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the settings of config.def out of an environment block. Called once, by the library's
 * start code and by the ctxagent program. Must never fail: what is unusable is counted and its
 * default used.
 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "config/config.h"

#define RING_SIZE_MIN (512u * 1024)
#define RING_SIZE_MAX (64u * 1024 * 1024)

const struct config_row config_rows[CONFIG_COUNT] = {
#define SETTING(id, variable, type, value, scope, help) \
	{ variable, value, help, CONFIG_##type, CONFIG_##scope },
#include "config/config.def"
#undef SETTING
};

const char *config_find(char *const *environment, const char *name)
{
	for (; environment && *environment; environment++) {
		const char *at = *environment;
		size_t i = 0;

		while (name[i] && at[i] == name[i])
			i++;
		if (!name[i] && at[i] == '=')
			return at + i + 1;
	}
	return NULL;
}

static void read_texts(struct config *config, char *const *environment)
{
	for (unsigned int i = 0; i < CONFIG_COUNT; i++) {
		const struct config_row *row = &config_rows[i];
		const char *value = NULL;

		if (!config->secure || row->scope == CONFIG_SAFE)
			value = config_find(environment, row->variable);
		config->text[i] = value && *value ? value : row->value;
	}
}

static bool read_bool(struct config *config, enum config_id id)
{
	bool yes;

	if (config_parse_bool(config->text[id], &yes) != 0)
		config->problems++;
	return yes;
}

static void read_sampler(struct config *config)
{
	static const struct {
		const char *name;
		enum config_sampler sampler;
		bool parent_based;
	} samplers[] = {
		{"parentbased_always_on", SAMPLER_ALWAYS_ON, true}, /* the default stands first */
		{"parentbased_always_off", SAMPLER_ALWAYS_OFF, true},
		{"parentbased_traceidratio", SAMPLER_RATIO, true},
		{"always_on", SAMPLER_ALWAYS_ON, false},
		{"always_off", SAMPLER_ALWAYS_OFF, false},
		{"traceidratio", SAMPLER_RATIO, false},
	};
	const char *name = config->text[CONFIG_ID_SAMPLER];
	unsigned int i = 0;

	while (i < ARRAY_SIZE(samplers) && !config_text_is(name, samplers[i].name))
		i++;
	if (i == ARRAY_SIZE(samplers)) {
		config->problems++;
		i = 0;
	}
	config->sampler = samplers[i].sampler;
	config->parent_based = samplers[i].parent_based;
	config->sampler_bound = CONFIG_RATIO_ONE;
	if (config->sampler == SAMPLER_RATIO &&
	    config_parse_ratio(config->text[CONFIG_ID_SAMPLER_ARG], &config->sampler_bound) != 0)
		config->problems++;
}

static void read_ring_size(struct config *config)
{
	uint64_t size;

	if (config_parse_size(config->text[CONFIG_ID_RING_SIZE], &size) != 0) {
		config->problems++;
		config_parse_size(config_rows[CONFIG_ID_RING_SIZE].value, &size);
	}
	if (size < RING_SIZE_MIN)
		size = RING_SIZE_MIN;
	config->ring_size = size > RING_SIZE_MAX ? RING_SIZE_MAX : (uint32_t)size;
}

void config_read(struct config *config, char *const *environment, bool secure)
{
	const char *dir;

	memset(config, 0, sizeof(*config));
	config->secure = secure;
	read_texts(config, environment);
	config->disabled = read_bool(config, CONFIG_ID_SDK_DISABLED);
	config->context_baggage = read_bool(config, CONFIG_ID_CONTEXT_BAGGAGE);
	read_sampler(config);
	read_ring_size(config);
	dir = config->text[CONFIG_ID_DIR];
	if (*dir && *dir != '/')
		config->problems++;
}

/* @base, @below and a NUL into @out, when @base is an absolute path. Its slashes at the end go. */
static int put_directory(const char *base, const char *below, char *out, size_t cap)
{
	size_t len = base ? strlen(base) : 0, more = strlen(below);

	if (!len || base[0] != '/')
		return -ENOENT;
	while (len > 1 && base[len - 1] == '/')
		len--;
	if (len + more >= cap)
		return -ENAMETOOLONG;
	memcpy(out, base, len);
	memcpy(out + len, below, more + 1);
	return (int)(len + more);
}

int config_directory(const struct config *config, char *const *environment, char *out, size_t cap)
{
	int ret;

	if (config->secure)
		return -ENOENT;
	ret = put_directory(config->text[CONFIG_ID_DIR], "", out, cap);
	if (ret == -ENOENT)
		ret = put_directory(config_find(environment, "XDG_RUNTIME_DIR"), "/ctxagent", out,
				    cap);
	if (ret == -ENOENT)
		ret = put_directory(config_find(environment, "HOME"), "/.local/state/ctxagent", out,
				    cap);
	return ret;
}
