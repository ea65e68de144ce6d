// SPDX-License-Identifier: Apache-2.0

import Testing

/// Real programs as processes, real sockets, a real PostgreSQL; one test at a time, since each starts its own servers.
@Suite(.serialized) struct EndToEndTests {}
