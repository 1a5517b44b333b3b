/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See template.h. One function per state; the driver goes on until there is something to say.
 */
#include "proto/template.h"

enum template_state { S_LENGTH, S_PAYLOAD, S_BAD };

/* What a step returns beside the events: nothing to report yet, go on. */
#define TEMPLATE_NEXT (-1)

struct template_input {
	const char *at;
	const char *end;
};

void template_init(struct template *p)
{
	*p = (struct template){ .state = S_LENGTH };
}

static int step_length(struct template *p, struct template_input *in)
{
	if (in->at == in->end)
		return TEMPLATE_MORE;
	p->left = p->left << 8 | (unsigned char)*in->at;
	if (p->left > TEMPLATE_FRAME_MAX)
		return TEMPLATE_BAD;
	in->at++;
	if (++p->digits < 4)
		return TEMPLATE_NEXT;
	p->digits = 0;
	p->length = p->left;
	p->state = S_PAYLOAD;
	return TEMPLATE_HEAD;
}

static int step_payload(struct template *p, struct template_input *in)
{
	size_t n = (size_t)(in->end - in->at);

	if (n > p->left)
		n = p->left;
	in->at += n;
	p->left -= (uint32_t)n;
	if (p->left)
		return TEMPLATE_MORE;
	p->state = S_LENGTH;
	return TEMPLATE_END;
}

enum template_event template_feed(struct template *p, const char *buf, size_t len, size_t *used)
{
	struct template_input in = { buf, len ? buf + len : buf };
	int event;

	do {
		if (p->state == S_LENGTH)
			event = step_length(p, &in);
		else if (p->state == S_PAYLOAD)
			event = step_payload(p, &in);
		else
			event = TEMPLATE_BAD;
	} while (event == TEMPLATE_NEXT);
	if (event == TEMPLATE_BAD)
		p->state = S_BAD;
	*used = (size_t)(in.at - buf);
	return (enum template_event)event;
}
