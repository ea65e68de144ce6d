// SPDX-License-Identifier: Apache-2.0
// librabbitmq for Swift: the library's own headers plus inlined forms of what Swift cannot call or read (variadic
// functions, untyped replies), and the start of a thread for its blocking calls.
#ifndef SHARDLINE_CRABBITMQ_SHIM_H
#define SHARDLINE_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>

// Macros with casts, which Swift does not import.
static const uint32_t shardline_basic_ack = AMQP_BASIC_ACK_METHOD;
static const uint32_t shardline_basic_nack = AMQP_BASIC_NACK_METHOD;
static const uint32_t shardline_basic_return = AMQP_BASIC_RETURN_METHOD;
static const uint32_t shardline_channel_close = AMQP_CHANNEL_CLOSE_METHOD;
static const uint32_t shardline_connection_close = AMQP_CONNECTION_CLOSE_METHOD;
static const uint32_t shardline_connection_close_ok = AMQP_CONNECTION_CLOSE_OK_METHOD;
static const uint32_t shardline_connection_blocked = AMQP_CONNECTION_BLOCKED_METHOD;
static const uint32_t shardline_connection_unblocked = AMQP_CONNECTION_UNBLOCKED_METHOD;

/// What came of a call that the broker answers.
typedef struct {
    /// An `amqp_status_enum`: AMQP_STATUS_OK when the broker agreed or refused in words.
    int status;
    /// The broker's reply code when it refused (320, 403, 404, 530, …), else 0.
    uint16_t code;
    /// The broker's words when it refused; they live until the connection's buffers are released.
    amqp_bytes_t text;
} shardline_outcome;

/// Reads the library's reply; a refusal is in the method with which the broker closed the connection or the channel.
static inline shardline_outcome shardline_judge(amqp_rpc_reply_t reply) {
    shardline_outcome outcome = { AMQP_STATUS_OK, 0, { 0, 0 } };
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) outcome.status = reply.library_error;
    if (reply.reply_type == AMQP_RESPONSE_NONE) outcome.status = AMQP_STATUS_CONNECTION_CLOSED;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) return outcome;
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        amqp_connection_close_t *close = (amqp_connection_close_t *)reply.reply.decoded;
        outcome.code = close->reply_code;
        outcome.text = close->reply_text;
    } else if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_t *close = (amqp_channel_close_t *)reply.reply.decoded;
        outcome.code = close->reply_code;
        outcome.text = close->reply_text;
    } else {
        outcome.status = AMQP_STATUS_UNEXPECTED_STATE;
    }
    return outcome;
}

/// Logs in with a user name and a password (SASL PLAIN) and opens the virtual host; asks to be told when the broker
/// blocks publishers. `name` is shown in the broker's list of connections; `heartbeat` is in seconds.
static inline shardline_outcome shardline_login(
    amqp_connection_state_t connection, const char *vhost, int heartbeat, const char *name,
    const char *user, const char *password) {
    amqp_table_entry_t capability;
    capability.key = amqp_cstring_bytes("connection.blocked");
    capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    capability.value.value.boolean = 1;
    amqp_table_entry_t entries[2];
    entries[0].key = amqp_cstring_bytes("connection_name");
    entries[0].value.kind = AMQP_FIELD_KIND_UTF8;
    entries[0].value.value.bytes = amqp_cstring_bytes(name);
    entries[1].key = amqp_cstring_bytes("capabilities");
    entries[1].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[1].value.value.table.num_entries = 1;
    entries[1].value.value.table.entries = &capability;
    amqp_table_t properties = { 2, entries };
    return shardline_judge(amqp_login_with_properties(
        connection, vhost, 0, AMQP_DEFAULT_FRAME_SIZE, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user, password));
}

/// Opens a channel.
static inline shardline_outcome shardline_open_channel(amqp_connection_state_t connection, amqp_channel_t channel) {
    amqp_channel_open(connection, channel);
    return shardline_judge(amqp_get_rpc_reply(connection));
}

/// Switches a channel to publisher confirms.
static inline shardline_outcome shardline_select_confirms(amqp_connection_state_t connection, amqp_channel_t channel) {
    amqp_confirm_select(connection, channel);
    return shardline_judge(amqp_get_rpc_reply(connection));
}

/// Takes the next frame that has arrived, without waiting; AMQP_STATUS_TIMEOUT when there is none. Sends and checks
/// heartbeats on the way.
static inline int shardline_next_frame(amqp_connection_state_t connection, amqp_frame_t *frame) {
    struct timeval none = { 0, 0 };
    return amqp_simple_wait_frame_noblock(connection, frame, &none);
}

/// Whether `amqp_basic_get` found a message.
static inline int shardline_is_message(amqp_rpc_reply_t reply) {
    return reply.reply_type == AMQP_RESPONSE_NORMAL && reply.reply.id == AMQP_BASIC_GET_OK_METHOD;
}

/// Starts a detached thread. Returns 0 or an error number.
static inline int shardline_amqp_thread_start(void *(*body)(void *), void *context) {
    pthread_t thread;
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code) return code;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &attributes, body, context);
    pthread_attr_destroy(&attributes);
    return code;
}

/// Names the calling thread (15 bytes count) and blocks every signal on it: signals are other threads' business.
static inline void shardline_amqp_thread_prepare(const char *name) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, 0);
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
