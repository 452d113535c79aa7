/*
 * A relay with as little work as possible, to measure what the system calls alone cost: relay PORT [HOLD], milliseconds.
 *
 * Reads everything that has arrived, then sends each client all messages of the others in one call, as they are. It
 * knows one request, checks nothing, and ends when a client is too slow.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS 1024
#define MAX_PIECES 1024

/* What a client has sent of an incomplete frame or request. */
struct client { int fd, is_open, length; uint8_t rest[4096]; };
/* log[start..end) was sent by one client. */
struct part { int sender, start, end; };

static const char response[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static struct client clients[MAX_CLIENTS];
static struct part parts[MAX_PIECES];
static uint8_t out[1 << 18];
static int poll_fd, client_count, part_count, out_length;
static double hold, last_flush;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int fd, int index) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void send_pieces(int fd, struct iovec *pieces, int count, int length) {
  if (count > 0 && writev(fd, pieces, count) != length) fail("a client is too slow");
}

/* Sends each client the log without its own messages, pieces that follow each other as one. */
static void flush(void) {
  for (int i = 0; i < client_count; i++) {
    struct iovec pieces[MAX_PIECES];
    int count = 0, length = 0, end = -1;
    if (!clients[i].is_open) continue;
    for (int p = 0; p < part_count; p++) {
      int size = parts[p].end - parts[p].start;
      if (parts[p].sender == i) continue;
      if (parts[p].start == end) pieces[count - 1].iov_len += size;
      else pieces[count++] = (struct iovec){.iov_base = out + parts[p].start, .iov_len = size};
      end = parts[p].end;
      length += size;
    }
    send_pieces(clients[i].fd, pieces, count, length);
  }
  out_length = part_count = 0;
  last_flush = now();
}

/* Appends a message to the log: a frame of up to 65535 bytes, without its mask. */
static void append(const uint8_t *payload, int size, const uint8_t *key) {
  out[out_length++] = 0x82;
  if (size < 126) out[out_length++] = size;
  else {
    out[out_length++] = 126;
    out[out_length++] = size >> 8;
    out[out_length++] = size;
  }
  for (int i = 0; i < size; i++) out[out_length++] = payload[i] ^ key[i & 3];
}

/* Reads whole frames; returns the length of what they take. */
static int read_frames(const uint8_t *bytes, int length) {
  int at = 0;
  for (;;) {
    int size, head = 6;
    if (length - at < head) return at;
    size = bytes[at + 1] & 127;
    if (size == 126) {
      head = 8;
      if (length - at < head) return at;
      size = bytes[at + 2] << 8 | bytes[at + 3];
    }
    if (length - at < head + size) return at;
    if ((bytes[at] & 15) < 8) append(bytes + at + head, size, bytes + at + head - 4);
    at += head + size;
  }
}

static void open_client(struct client *client) {
  struct iovec piece = {.iov_base = (void *)response, .iov_len = sizeof response - 1};
  send_pieces(client->fd, &piece, 1, sizeof response - 1);
  client->is_open = 1;
}

static void read_client(int index) {
  static uint8_t bytes[1 << 16];
  struct client *client = &clients[index];
  int length, used = 0, start = out_length;
  memcpy(bytes, client->rest, client->length);
  length = read(client->fd, bytes + client->length, sizeof bytes - client->length);
  if (length <= 0) {
    client->is_open = 0;
    close(client->fd);
    return;
  }
  length += client->length;
  if (!client->is_open) {
    uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end != NULL) {
      open_client(client);
      used = end + 4 - bytes;
    }
  }
  if (client->is_open) used += read_frames(bytes + used, length - used);
  client->length = length - used;
  if (client->length > (int)sizeof client->rest) fail("a message is too large");
  memcpy(client->rest, bytes + used, client->length);
  if (out_length > start) parts[part_count++] = (struct part){.sender = index, .start = start, .end = out_length};
}

static void accept_client(int listener) {
  int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0 || client_count == MAX_CLIENTS) fail("accept");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  clients[client_count].fd = fd;
  watch(fd, client_count++);
}

static int listen_on(int port) {
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
  };
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) fail("listen");
  return fd;
}

/* Milliseconds until the log has to be sent: 0 is now. */
static int wait_time(void) {
  double left = last_flush + hold - now();
  return hold == 0 || left <= 0 ? 0 : (int)left + 1;
}

int main(int argc, char **argv) {
  struct epoll_event events[MAX_CLIENTS];
  int listener = listen_on(atoi(argv[1]));
  if (argc > 2) hold = atof(argv[2]);
  poll_fd = epoll_create1(0);
  watch(listener, MAX_CLIENTS);
  puts("READY");
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(poll_fd, events, MAX_CLIENTS, out_length == 0 ? -1 : wait_time());
    for (int i = 0; i < count; i++) {
      if (events[i].data.u32 == MAX_CLIENTS) accept_client(listener);
      else read_client(events[i].data.u32);
    }
    if (out_length > 0 && wait_time() == 0) flush();
  }
}
