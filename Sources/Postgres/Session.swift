// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// The connection as a closure of `run` or `transaction` sees it. Valid inside that closure only; its methods block the
/// connection's own thread, never a cooperative one.
package final class Session {
    private let connection: Connection
    private let control: RunControl
    private var state = State.ready
    /// The server's latest error in this closure, also when the closure hid it in one of its own. The follow-up
    /// errors of
    /// a failed transaction (25P02) say nothing and are left out.
    private(set) var serverError: PostgresError?
    /// The first error of the statement under way.
    private var statementError: PostgresError?

    private enum State {
        case ready
        case streaming
        case ended
    }

    /// A session for one closure.
    init(_ connection: Connection, _ control: RunControl) {
        self.connection = connection
        self.control = control
    }

    /// Runs a statement and returns all rows, held in memory: for results with a known bound.
    /// Throws `PostgresError`, or `CancellationError` when the task was cancelled.
    @discardableResult
    package func query(_ query: Query) throws -> [Row] {
        try begin(query.sql)
        try connection.send(query)
        return try finish(query.sql).rows
    }

    /// Runs a statement and hands over its rows one by one; memory stays flat whatever their number. When `body`
    /// throws, the statement is cancelled (which also ends a surrounding transaction) and the error passed on.
    /// No other statement can run on this session before it returns.
    package func forEachRow(_ query: Query, _ body: (Row) throws -> Void) throws {
        try begin(query.sql)
        try connection.send(query)
        connection.streamRows()
        state = .streaming
        defer { if state == .streaming { state = .ready } }
        var columns: ResultColumns?
        while let result = try nextResult(query.sql) {
            guard result.status == PGRES_SINGLE_TUPLE else {
                try refuse(result, query.sql)
                continue
            }
            if let columns { result.share(columns) } else { columns = result.columns }
            do {
                try body(Row(result: result, index: 0))
            } catch {
                connection.cancelStatement()
                while try nextResult(query.sql) != nil {}
                throw error
            }
        }
        if let statementError { throw take(statementError) }
    }

    /// Runs a statement and returns how many rows it touched; 0 for statements that touch none.
    @discardableResult
    package func execute(_ query: Query) throws -> Int {
        try begin(query.sql)
        try connection.send(query)
        return try finish(query.sql).affected
    }

    /// Runs several statements in one round trip by the simple protocol, all or nothing unless they contain their own
    /// BEGIN and COMMIT. For constant text only: migrations and settings.
    package func script(_ sql: String) throws {
        try begin(sql)
        try connection.send(script: sql)
        try finish(sql)
    }

    /// Streams rows into a table by `COPY … FROM STDIN (FORMAT binary)`, flat memory. `table` may be qualified by a
    /// schema. The fields must have exactly the columns' types. When `rows` throws, nothing is stored and the error is
    /// passed on. Returns the number of rows stored.
    @discardableResult
    package func copyIn(
        _ table: String, columns: [String], rows: (inout CopyWriter) throws -> Void
    ) throws -> Int {
        let name = table.split(separator: ".").map { Self.quoted(String($0)) }.joined(separator: ".")
        let list = columns.map(Self.quoted).joined(separator: ", ")
        let sql = "copy \(name) (\(list)) from stdin (format binary)"
        try begin(sql)
        try connection.send(script: sql)
        let opened = try nextResult(sql)
        guard opened?.status == PGRES_COPY_IN else {
            if let opened { try refuse(opened, sql) }
            return try finish(sql).affected
        }
        state = .streaming
        defer { if state == .streaming { state = .ready } }
        do {
            var writer = CopyWriter(connection: connection, control: control, statement: sql, columns: columns.count)
            try rows(&writer)
            try writer.finish()
        } catch {
            if connection.isBroken { throw error }
            try connection.endCopy(abortedBecause: "the client gave up", statement: sql)
            while try nextResult(sql) != nil {}
            throw error
        }
        try connection.endCopy(abortedBecause: nil, statement: sql)
        return try finish(sql).affected
    }

    /// Ends the session's validity.
    func end() { state = .ended }

    /// Runs one of the statements that frame a transaction; not stopped by cancellation.
    /// Returns the command tag, which says ROLLBACK when a COMMIT found the transaction failed.
    func frame(_ sql: String) throws -> String {
        statementError = nil
        try connection.send(script: sql)
        return try finish(sql).commandTag
    }

    private func begin(_ sql: String) throws {
        switch state {
        case .ready: break
        case .streaming:
            throw PostgresError(
                code: .misuse, message: "a statement was started inside forEachRow or copyIn of the same session",
                hint: "collect first, or use a second run of the pool", statement: sql)
        case .ended:
            throw PostgresError(
                code: .misuse, message: "a session was used after its closure had returned", statement: sql)
        }
        statementError = nil
        try control.check()
    }

    private func nextResult(_ sql: String) throws -> QueryResult? {
        do {
            return try connection.nextResult(statement: sql)
        } catch let error as PostgresError {
            throw take(error)
        }
    }

    /// Reads the remaining results: the last one that succeeded, or the first error.
    @discardableResult
    private func finish(_ sql: String) throws -> QueryResult {
        var last: QueryResult?
        while let result = try nextResult(sql) {
            switch result.status {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: last = result
            default: try refuse(result, sql)
            }
        }
        if let statementError { throw take(statementError) }
        // libpq always answers a statement; nothing at all means that the connection broke without a report.
        guard let last else { throw take(connection.lostError(statement: sql)) }
        return last
    }

    /// Remembers the first error of a statement; a COPY that nobody serves ends the connection.
    private func refuse(_ result: QueryResult, _ sql: String) throws {
        switch result.status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            connection.markBroken()
            throw PostgresError(
                code: .misuse, message: "COPY cannot be run as a query", hint: "use copyIn", statement: sql)
        default:
            if statementError == nil { statementError = connection.error(in: result, statement: sql) }
        }
    }

    private func take(_ error: PostgresError) -> PostgresError {
        if error.code != .failedTransaction { serverError = error }
        return error
    }

    /// The name as an identifier, quotes doubled.
    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
