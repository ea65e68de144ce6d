// SPDX-License-Identifier: Apache-2.0
// libcurl for Swift: the library's own header plus typed, inlined forms of its variadic functions,
// which Swift cannot call.
#ifndef SHARDLINE_CLIBCURL_SHIM_H
#define SHARDLINE_CLIBCURL_SHIM_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/// Sets an option that takes a `long` (all booleans, milliseconds and sizes below 2 GiB).
static inline CURLcode shardline_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

/// Sets an option that takes a `curl_off_t` (the `_LARGE` options).
static inline CURLcode shardline_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// Sets an option that takes a string, which libcurl copies; NULL restores the default.
static inline CURLcode shardline_easy_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

/// Sets an option that takes a pointer, which libcurl keeps without copying what it points to.
static inline CURLcode shardline_easy_set_pointer(CURL *easy, CURLoption option, const void *value) {
    return curl_easy_setopt(easy, option, value);
}

/// Sets the header list, which libcurl keeps without copying.
static inline CURLcode shardline_easy_set_headers(CURL *easy, struct curl_slist *list) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
}

/// Sets the function that receives body bytes, and its argument.
static inline CURLcode shardline_easy_on_body(CURL *easy, curl_write_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
}

/// Sets the function that receives header lines, and its argument.
static inline CURLcode shardline_easy_on_header(CURL *easy, curl_write_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
}

/// Sets the function that supplies request body bytes, and its argument.
static inline CURLcode shardline_easy_on_read(CURL *easy, curl_read_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_READDATA, context);
}

/// Sets the function that rewinds the request body, and its argument.
static inline CURLcode shardline_easy_on_seek(CURL *easy, curl_seek_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_SEEKDATA, context);
}

/// Sets the function that opens sockets, and its argument.
static inline CURLcode shardline_easy_on_open_socket(
    CURL *easy, curl_opensocket_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
}

/// Sets the function called when a connection is ready and nothing was sent on it yet, and its argument.
static inline CURLcode shardline_easy_on_connected(
    CURL *easy, curl_prereq_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_PREREQDATA, context);
}

/// Reads a `long` about the transfer; `fallback` when libcurl has none.
static inline long shardline_easy_get_long(CURL *easy, CURLINFO info, long fallback) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : fallback;
}

/// Reads a `curl_off_t` about the transfer (sizes, microseconds); `fallback` when libcurl has none.
static inline curl_off_t shardline_easy_get_offset(CURL *easy, CURLINFO info, curl_off_t fallback) {
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : fallback;
}

/// Sets an option of a multi handle that takes a `long`.
static inline CURLMcode shardline_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

/// Sets the function that hears which sockets libcurl waits for, and its argument.
static inline CURLMcode shardline_multi_on_socket(CURLM *multi, curl_socket_callback function, void *context) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, function);
    return code ? code : curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

/// Sets the function that hears when libcurl wants to be called although no socket is ready, and its argument.
static inline CURLMcode shardline_multi_on_timer(CURLM *multi, curl_multi_timer_callback function, void *context) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, function);
    return code ? code : curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

/// Takes the next finished transfer: its `CURLOPT_PRIVATE` pointer and result. 0 when there is none.
static inline int shardline_multi_next_done(CURLM *multi, void **context, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != 0) {
        if (message->msg != CURLMSG_DONE) continue;
        char *private_pointer = 0;
        *result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_pointer);
        *context = private_pointer;
        return 1;
    }
    return 0;
}

/// If unread bytes wait on this idle connection, discards them and shuts the socket down; returns whether it did.
/// The next write on the socket then fails, and libcurl opens a new connection by itself.
static inline int shardline_retire_if_unread(curl_socket_t socket) {
    char discarded[4096];
    int rounds = 0;
    if (recv(socket, discarded, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) return 0;
    shutdown(socket, SHUT_RDWR);
    while (rounds++ < 4096 && recv(socket, discarded, sizeof discarded, MSG_DONTWAIT) > 0) { }
    return 1;
}

/// Port of the socket's own end; -1 when it has none.
static inline int shardline_local_port(curl_socket_t socket) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return -1;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return -1;
}

/// Closes a socket.
static inline int shardline_close(curl_socket_t socket) {
    return close(socket);
}

/// Sets the function that closes sockets, and its argument.
static inline CURLcode shardline_easy_on_close_socket(
    CURL *easy, curl_closesocket_callback function, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, function);
    return code ? code : curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context);
}

/// Opens the socket libcurl asked for, closed on exec so that child processes do not inherit it.
static inline curl_socket_t shardline_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Starts a detached thread. Returns 0 or an error number.
static inline int shardline_thread_start(void *(*body)(void *), void *context) {
    pthread_t thread;
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code) return code;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &attributes, body, context);
    pthread_attr_destroy(&attributes);
    return code;
}

/// Names the calling thread (15 bytes count) and blocks every signal on it: signals are other threads' business,
/// and SIGPIPE in particular must not end the process.
static inline void shardline_thread_prepare(const char *name) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, 0);
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
