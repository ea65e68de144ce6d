// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Glibc

/// One open connection, used by exactly one thread from connecting to closing.
///
/// libpq runs in non-blocking mode and every wait is a poll(2) with a deadline, so that a server that went silent is
/// noticed even where TCP cannot notice it (a stopped process, a proxy in between).
final class Connection {
    private let pointer: OpaquePointer
    /// The longest silence of the server during a statement; nil for no limit.
    var silenceMax: Duration?
    private static let parameterBytesMax = 1 << 30
    /// For cancel requests from other threads; freed with the connection, after `RunControl` gave it back.
    let cancelHandle: OpaquePointer?
    /// Host, port and database, for messages.
    let endpoint: String
    private let notices: NoticeLog
    /// True once an error ended the session.
    private(set) var isBroken = false

    /// Takes over an established connection and the log that receives its notices.
    init(_ pointer: OpaquePointer, silenceMax: Duration?, notices: NoticeLog) {
        self.pointer = pointer
        self.notices = notices
        self.silenceMax = silenceMax
        cancelHandle = PQgetCancel(pointer)
        endpoint = Connector.endpoint(of: pointer)
        PQsetnonblocking(pointer, 1)
    }

    deinit {
        PQfreeCancel(cancelHandle)
        PQfinish(pointer)
    }

    /// Asks the server to stop what this handle's connection runs. Blocks while connecting; any thread.
    static func sendCancel(_ handle: OpaquePointer) {
        var reason = [CChar](repeating: 0, count: 256)
        // A request that fails is repeated by RunControl until the call ends, so its text is of no use.
        _ = PQcancel(handle, &reason, Int32(reason.count))
    }

    /// Asks the server to stop the statement of this connection.
    func cancelStatement() {
        if let cancelHandle { Self.sendCancel(cancelHandle) }
    }

    /// The socket; -1 when closed.
    var socket: Int32 { PQsocket(pointer) }

    /// Where the session stands in a transaction.
    var transactionStatus: PGTransactionStatusType { PQtransactionStatus(pointer) }

    /// Declares the session unusable.
    func markBroken() { isBroken = true }

    /// Whether the connection still works as far as can be told without a round trip: reads what the server sent
    /// while nobody used the connection, usually nothing, or its farewell.
    func isAlive() -> Bool {
        if isBroken { return false }
        while true {
            var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, 0)
            if ready == 0 { return PQstatus(pointer) == CONNECTION_OK }
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0, PQconsumeInput(pointer) == 1, PQstatus(pointer) == CONNECTION_OK else {
                isBroken = true
                return false
            }
            // Lets libpq parse what it read, so that the server's farewell is not taken for an answer later.
            _ = PQisBusy(pointer)
        }
    }

    /// Sends a statement with its parameters in the unnamed prepared form; results come in binary.
    func send(_ query: Query) throws {
        guard query.parameters.count <= 65_535 else {
            throw PostgresError(
                code: .misuse, message: "a statement has \(query.parameters.count) parameters, 65535 are possible",
                hint: "pass arrays and unnest() them", statement: query.sql)
        }
        guard query.parameters.allSatisfy({ $0.content.byteCount <= Self.parameterBytesMax }) else {
            throw PostgresError(
                code: .misuse, message: "a parameter is larger than 1 GiB, which no column can hold",
                statement: query.sql)
        }
        let sent = ParameterBuffers.withBuffers(query.parameters) { types, values, lengths, formats in
            PQsendQueryParams(pointer, query.sql, Int32(query.parameters.count), types, values, lengths, formats, 1)
        }
        if sent != 1 { throw lastError(statement: query.sql) }
    }

    /// Sends text in the simple protocol: several statements, no parameters, results as text.
    func send(script: String) throws {
        if PQsendQuery(pointer, script) != 1 { throw lastError(statement: script) }
    }

    /// Makes the statement just sent return its rows one result each.
    func streamRows() {
        PQsetSingleRowMode(pointer)
    }

    /// The next result of the statement; nil after the last one.
    func nextResult(statement: String?) throws -> QueryResult? {
        try flush(statement: statement)
        // After a failed write libpq reports busy although nothing more can come.
        while PQisBusy(pointer) == 1, PQstatus(pointer) == CONNECTION_OK {
            try awaitSocket(POLLIN, statement: statement)
            // On a broken connection PQgetResult does not block and tells why it broke.
            if PQconsumeInput(pointer) == 0 { break }
        }
        return PQgetResult(pointer).map { QueryResult($0) }
    }

    /// The error of a result; an error that ends the session marks the connection.
    func error(in result: QueryResult, statement: String?) -> PostgresError {
        let error = result.error(statement: statement, connectionIsBad: PQstatus(pointer) != CONNECTION_OK)
        if error.discardsConnection { isBroken = true }
        return error
    }

    /// Queues COPY data and waits until the server has taken it, so that memory stays flat.
    func putCopyData(_ bytes: UnsafeRawBufferPointer, statement: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(CopyWriter.pieceBytes))
            let base = piece.bindMemory(to: CChar.self).baseAddress
            let queued = PQputCopyData(pointer, base, Int32(piece.count))
            if queued < 0 { throw lastError(statement: statement) }
            try flush(statement: statement)
            if queued == 1 { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count)) }
        }
    }

    /// Ends COPY data; with a reason the server discards everything.
    func endCopy(abortedBecause reason: String?, statement: String) throws {
        while true {
            let queued = PQputCopyEnd(pointer, reason)
            if queued < 0 { throw lastError(statement: statement) }
            try flush(statement: statement)
            if queued == 1 { return }
        }
    }

    /// Notifications that have arrived.
    func takeNotifications() -> [Notification] {
        var taken: [Notification] = []
        while let raw = PQnotifies(pointer) {
            taken.append(
                Notification(
                    channel: String(cString: raw.pointee.relname), payload: String(cString: raw.pointee.extra),
                    isReconnect: false))
            PQfreemem(raw)
        }
        return taken
    }

    /// Reads what has arrived; false when the connection broke.
    func readInput() -> Bool {
        let healthy = PQconsumeInput(pointer) == 1
        _ = PQisBusy(pointer)
        if !healthy || PQstatus(pointer) != CONNECTION_OK { isBroken = true }
        return !isBroken
    }

    /// The connection's own last error, for failures without a result.
    func lastError(statement: String?) -> PostgresError {
        let lost = PQstatus(pointer) != CONNECTION_OK || isBroken
        if lost { isBroken = true }
        let text = String(cString: PQerrorMessage(pointer)).trimmedLine
        return PostgresError(
            code: lost ? .connectionFailure : .misuse, message: lost ? "\(endpoint): \(text)" : text,
            statement: statement, isConnectionLost: lost)
    }

    /// The connection broke without a word from libpq.
    func lostError(statement: String?) -> PostgresError {
        isBroken = true
        return lastError(statement: statement)
    }

    private func flush(statement: String?) throws {
        while true {
            let state = PQflush(pointer)
            if state == 0 { return }
            // PQgetResult reports why it broke, with the server's last words if there are any.
            if state < 0 { return }
            let ready = try awaitSocket(POLLIN | POLLOUT, statement: statement)
            if ready & Int16(POLLIN) != 0, PQconsumeInput(pointer) == 0 { return }
        }
    }

    @discardableResult
    private func awaitSocket(_ events: Int32, statement: String?) throws -> Int16 {
        let deadline = silenceMax.map { ContinuousClock.now + $0 }
        while true {
            var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
            let left = deadline.map { max(.zero, $0 - ContinuousClock.now).wholeMilliseconds + 1 } ?? -1
            let ready = poll(&descriptor, 1, left)
            if ready > 0 { return descriptor.revents }
            if ready < 0 && errno == EINTR { continue }
            if ready < 0 || deadline.map({ ContinuousClock.now >= $0 }) ?? false {
                isBroken = true
                throw PostgresError(
                    code: .connectionFailure,
                    message: ready < 0
                        ? "\(endpoint): poll failed: \(String(cString: strerror(errno)))"
                        : "\(endpoint) was silent for \(silenceMax ?? .zero), longer than statement_timeout allows",
                    statement: statement, isConnectionLost: true)
            }
        }
    }
}
