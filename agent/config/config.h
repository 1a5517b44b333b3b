/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings, read once from the environment. The library calls config_read() from its
 * constructor; the ctxagent program uses the same table for `help settings` and its own settings.
 * Nothing changes after start.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type { CONFIG_TEXT, CONFIG_BOOL, CONFIG_SIZE, CONFIG_NUMBER, CONFIG_LIST };
enum config_scope { CONFIG_SAFE, CONFIG_PLAIN, CONFIG_TOOL };

enum config_id {
#define SETTING(id, variable, type, value, scope, help) CONFIG_ID_##id,
#include "config/config.def"
#undef SETTING
	CONFIG_COUNT,
};

/** One row of config.def. */
struct config_row {
	const char *variable;
	const char *value;		/* default, as text */
	const char *help;
	enum config_type type;
	enum config_scope scope;
};

extern const struct config_row config_rows[CONFIG_COUNT];

enum config_sampler { SAMPLER_ALWAYS_ON, SAMPLER_ALWAYS_OFF, SAMPLER_RATIO };

/**
 * What the library works by. Texts point into the environment block as it was at start, or at "".
 */
struct config {
	const char *text[CONFIG_COUNT];	/* every setting as text: its variable's value or default */
	bool disabled;
	bool secure;			/* AT_SECURE: stay passive */
	bool context_baggage;
	enum config_sampler sampler;
	bool parent_based;
	uint64_t sampler_bound;		/* RATIO: sampled when its id's last 8 bytes >> 1 are below it */
	uint32_t ring_size;		/* bytes */
	uint32_t problems;		/* variables set to something unusable: defaults are used */
};

/**
 * Reads all settings out of @environment (NAME=value strings, NULL at the end). With @secure only
 * the SAFE ones. An empty variable counts as unset, as OpenTelemetry says.
 */
void config_read(struct config *config, char *const *environment, bool secure);

/** The value of @name in @environment, or NULL. */
const char *config_find(char *const *environment, const char *name);

/**
 * Writes the ring directory's path to @out: CTXAGENT_DIR, $XDG_RUNTIME_DIR/ctxagent or
 * $HOME/.local/state/ctxagent. Returns its length, or -ENOENT (none of the three is an absolute
 * path), or -ENAMETOOLONG.
 */
int config_directory(const struct config *config, char *const *environment, char *out, size_t cap);

/** True when @text is @lower, which is in lower case, in any case. */
bool config_text_is(const char *text, const char *lower);

/**
 * OpenTelemetry's booleans: "true" in any case is true, all else false. -EINVAL when not "false"
 * either.
 */
int config_parse_bool(const char *text, bool *out);

/** Parses "512K", "16M", "1048576". Returns 0 or -EINVAL. */
int config_parse_size(const char *text, uint64_t *out);

/**
 * Parses a decimal ratio from 0 to 1 ("0.25", "1e-3") into @ratio * 2^63. Returns 0 or -EINVAL
 * (*bound unchanged).
 */
int config_parse_ratio(const char *text, uint64_t *bound);
#define CONFIG_RATIO_ONE (1ull << 63)

/** One pair of a key=value list; both still percent-encoded, white space around them removed. */
struct config_pair {
	const char *key, *value;
	size_t key_len, value_len;
};

/** Takes the next well-formed pair from *list and moves *list behind it. False at the end. */
bool config_next_pair(const char **list, struct config_pair *out);

#endif
