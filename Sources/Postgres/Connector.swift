// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Glibc
import Logging

/// Opens connections: tries the hosts in order, each with its own deadline, and prepares the session.
struct Connector: Sendable {
    private let parameters: ConnectionParameters
    private let configuration: PoolConfiguration
    private let logger: Logger

    /// How often an attempt looks whether it was called off.
    private static let sliceMilliseconds: Int32 = 200

    /// Throws `invalidConfiguration` when the URL cannot be parsed.
    init(_ configuration: PoolConfiguration, logger: Logger) throws {
        parameters = try ConnectionParameters(configuration)
        self.configuration = configuration
        self.logger = logger
    }

    /// A ready session with the first host that takes us. `isCalledOff` is asked several times a second and ends the
    /// attempt with `CancellationError`. Errors name host, port and database. Blocks.
    func open(isCalledOff: () -> Bool) throws -> Connection {
        var failures: [PostgresError] = []
        for candidate in parameters.candidates {
            do {
                return try openOne(candidate, isCalledOff: isCalledOff)
            } catch let error as PostgresError {
                failures.append(error)
            }
        }
        let decisive = failures.first { $0.isRetryable } ?? failures.last
        throw PostgresError(
            code: decisive?.code ?? .unableToConnect, message: failures.map(\.message).joined(separator: "; "),
            hint: decisive?.hint, isConnectionLost: decisive?.isConnectionLost ?? true)
    }

    /// Host, port and database of a connection, also of one that failed.
    static func endpoint(of pointer: OpaquePointer) -> String {
        let host = PQhost(pointer).map { String(cString: $0) } ?? ""
        let port = PQport(pointer).map { String(cString: $0) } ?? ""
        let database = PQdb(pointer).map { String(cString: $0) } ?? ""
        return "PostgreSQL at \(host):\(port), database \(database)"
    }

    private func openOne(_ candidate: ConnectionParameters.Candidate, isCalledOff: () -> Bool) throws -> Connection {
        guard let pointer = Self.start(candidate) else {
            throw PostgresError(code: .unableToConnect, message: "libpq is out of memory", isConnectionLost: true)
        }
        let notices = NoticeLog(logger)
        notices.attach(to: pointer)
        do {
            // Verbose messages contain the SQLSTATE, which libpq does not offer in another way before the session is
            // up.
            PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
            try complete(pointer, isCalledOff: isCalledOff)
            PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        } catch {
            PQfinish(pointer)
            throw error
        }
        let connection = Connection(pointer, silenceMax: parameters.connectTimeout, notices: notices)
        try Session(connection, RunControl()).script(configuration.sessionSettings)
        connection.silenceMax = configuration.silenceMax
        logger.debug("connected", metadata: ["database": "\(connection.endpoint)"])
        return connection
    }

    private static func start(_ candidate: ConnectionParameters.Candidate) -> OpaquePointer? {
        let pairs = Array(candidate)
        let copies = pairs.map { (strdup($0.key), strdup($0.value)) }
        defer {
            for (keyword, value) in copies {
                free(keyword)
                free(value)
            }
        }
        let keywords = copies.map { UnsafePointer($0.0) } + [nil]
        let values = copies.map { UnsafePointer($0.1) } + [nil]
        return PQconnectStartParams(keywords, values, 0)
    }

    private func complete(_ pointer: OpaquePointer, isCalledOff: () -> Bool) throws {
        let deadline = ContinuousClock.now + parameters.connectTimeout
        var state = PQstatus(pointer) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            if state == PGRES_POLLING_FAILED { throw Self.failure(of: pointer) }
            if isCalledOff() { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                throw PostgresError(
                    code: .unableToConnect,
                    message: "\(Self.endpoint(of: pointer)) did not accept within \(parameters.connectTimeout)",
                    isConnectionLost: true)
            }
            let left = min((deadline - ContinuousClock.now).wholeMilliseconds + 1, Self.sliceMilliseconds)
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            var descriptor = pollfd(fd: PQsocket(pointer), events: Int16(events), revents: 0)
            if poll(&descriptor, 1, left) > 0 { state = PQconnectPoll(pointer) }
        }
    }

    private static func failure(of pointer: OpaquePointer) -> PostgresError {
        let text = String(cString: PQerrorMessage(pointer))
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        let message = lines.joined(separator: " ")
        let sqlstate = sqlstate(in: message)
        // A wrong password, a missing role or a missing database stays wrong however often it is tried.
        let isHopeless = sqlstate.map { $0.hasPrefix("28") || $0 == "3D000" || $0 == "42501" } ?? false
        return PostgresError(
            code: sqlstate.map { PostgresErrorCode(sqlstate: $0) } ?? .unableToConnect,
            message: "\(endpoint(of: pointer)): \(message)", isConnectionLost: !isHopeless)
    }

    /// The five characters between severity and text of a verbose message: `FATAL:  28P01: password …`.
    static func sqlstate(in message: String) -> String? {
        let characters = Array(message.utf8)
        guard characters.count > 10 else { return nil }
        for start in 0..<(characters.count - 9) {
            let spaces = characters[start..<(start + 3)].elementsEqual(":  ".utf8)
            guard spaces, characters[start + 8] == UInt8(ascii: ":") else { continue }
            let code = characters[(start + 3)..<(start + 8)]
            let isCode = code.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
            if isCode { return String(decoding: code, as: UTF8.self) }
        }
        return nil
    }
}
