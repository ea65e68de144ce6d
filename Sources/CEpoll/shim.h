// SPDX-License-Identifier: Apache-2.0
// The kernel's event queue, its counters and its timers, which the Glibc module leaves out. Imported by Curl, and by
// batchd for the backend of its benches.
#ifndef SHARDLINE_CEPOLL_SHIM_H
#define SHARDLINE_CEPOLL_SHIM_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

// Flags of an enumeration with an unsigned largest value, which Swift would import as a type of its own.
static const unsigned int cepoll_in = EPOLLIN;
static const unsigned int cepoll_out = EPOLLOUT;
static const unsigned int cepoll_gone = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
static const int cepoll_cloexec = EPOLL_CLOEXEC;
static const int cepoll_counter_flags = EFD_CLOEXEC | EFD_NONBLOCK;
static const int cepoll_timer_flags = TFD_CLOEXEC | TFD_NONBLOCK;
static const int cepoll_timer_absolute = TFD_TIMER_ABSTIME;

#endif
