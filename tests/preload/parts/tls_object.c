/* SPDX-License-Identifier: Apache-2.0 */
/* An object that wants 1 KiB of static thread-local storage. See static_tls.sh. */
int tls_sum(void);

static __thread char room[1024] = "room";

int tls_sum(void)
{
	room[1023]++;
	return room[0] + room[1023];
}
