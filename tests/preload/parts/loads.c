/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the object it is given and calls it. See static_tls.sh. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *object = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	int (*sum)(void) = object ? (int (*)(void))dlsym(object, "tls_sum") : NULL;

	if (!sum) {
		printf("%s\n", dlerror());
		return 1;
	}
	printf("loaded, %d\n", sum());
	return 0;
}
