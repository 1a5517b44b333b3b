/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard A5: x86-64 has two incompatible pthread_cond_*: the old one keeps a pointer in the first
 * word of its object and touches no more. References to both versions must each reach their own.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__)
int old_wait(void *cond, pthread_mutex_t *mutex);
int old_signal(void *cond);
int old_broadcast(void *cond);
__asm__(".symver old_wait, pthread_cond_wait@GLIBC_2.2.5");
__asm__(".symver old_signal, pthread_cond_signal@GLIBC_2.2.5");
__asm__(".symver old_broadcast, pthread_cond_broadcast@GLIBC_2.2.5");
#else
#define old_wait(c, m)   pthread_cond_wait(c, m)
#define old_signal(c)    pthread_cond_signal(c)
#define old_broadcast(c) pthread_cond_broadcast(c)
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static union {
	void *old;
	pthread_cond_t fresh;
	char bytes[64];
} old, fresh;
static int old_turn, fresh_turn;

static void *answers(void *unused)
{
	for (int i = 1; i <= 1000; i++) {
		pthread_mutex_lock(&mutex);
		while (old_turn != i)
			old_wait(&old, &mutex);
		fresh_turn = i;
		pthread_cond_signal(&fresh.fresh);
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

int main(void)
{
	pthread_t t;
	int changed = 0;

	memset(old.bytes + sizeof(void *), 0x5a, sizeof(old.bytes) - sizeof(void *));
	pthread_create(&t, NULL, answers, NULL);
	for (int i = 1; i <= 1000; i++) {
		pthread_mutex_lock(&mutex);
		old_turn = i;
		if (i % 2)
			old_signal(&old);
		else
			old_broadcast(&old);
		while (fresh_turn != i)
			pthread_cond_wait(&fresh.fresh, &mutex);
		pthread_mutex_unlock(&mutex);
	}
	pthread_join(t, NULL);
#if defined(__x86_64__) && defined(__GLIBC__)
	for (size_t i = sizeof(void *); i < sizeof(old.bytes); i++)
		changed += old.bytes[i] != 0x5a;
#endif
	printf("1000 turns, %d bytes changed\n", changed);
	return changed != 0;
}
