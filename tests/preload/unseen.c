/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard K4 and E2: bodies that leave by sendfile and splice, connections cut by shutdown and
 * close_range: the exchange around them is still right, and nothing is added to what nobody saw.
 *
 * expect-span: CLIENT PUT /sendfile parent=none status=200
 * expect-span: SERVER GET /file parent=none status=200
 * expect-span: CLIENT GET /shut parent=none status=200
 * expect-more-spans
 */
#include "server.h"

#include <sys/sendfile.h>

#define FILE_SIZE 3000

static int data_file(void)
{
	int fd = open("data", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (int i = 0; i < FILE_SIZE / 30; i++)
		write_text(fd, "GET /f HTTP/1.1\r\nHost: ho\r\n\r\n");
	while (lseek(fd, 0, SEEK_END) < FILE_SIZE)
		write_text(fd, "x");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void put_sendfile(int out, int peer, int file)
{
	static char buf[8192];
	size_t len;

	write_text(out, "PUT /sendfile HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n");
	printf("sendfile %zd\n", sendfile(out, file, NULL, FILE_SIZE));
	len = peer_request(peer, buf, sizeof(buf));
	printf("%zu bytes: %.40s\n", len, buf);
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
}

static void serve_file(int file)
{
	int port, listener = server_listen(&port), in = peer_connect(port),
		  fd = accept(listener, NULL, NULL);
	int ends[2];
	char buf[8192];

	if (pipe(ends))
		die("pipe");
	peer_text(in, "GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
	read_until(fd, buf, sizeof(buf), "\r\n\r\n");
	write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
	lseek(file, 0, SEEK_SET);
	printf("splice in %zd\n", splice(file, NULL, ends[1], NULL, FILE_SIZE, 0));
	printf("splice out %zd\n", splice(ends[0], NULL, fd, NULL, FILE_SIZE, 0));
	printf("status %d", peer_response(in, buf, sizeof(buf)));
	printf(", %zu bytes\n", strlen(buf));
	close(fd);
}

int main(void)
{
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	int file = data_file();
	char buf[4096];

	put_sendfile(out, peer, file);
	serve_file(file);
	write_text(out, "GET /shut HTTP/1.1\r\nHost: h\r\n\r\n");
	shutdown(out, SHUT_WR);
	printf("%zu\n", peer_request(peer, buf, sizeof(buf)));
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	close(out);
	peer_close(peer);
	out = client_connect(port);
	peer = peer_accept(back);
	write_text(out, "GET /cut HTTP/1.1\r\nHost: h\r\n\r\n");
	close_range((unsigned int)out, (unsigned int)out, 0);
	printf("%zu\n", peer_request(peer, buf, sizeof(buf)));
	printf("same number %d\n", open("data", O_RDONLY) == out);
	write_text(1, "");
	printf("end %zd\n", peer_recv(peer, buf, 1));
	return 0;
}
