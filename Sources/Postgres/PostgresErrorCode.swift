// SPDX-License-Identifier: Apache-2.0

/// The conditions our code tells apart; everything else is `other` with its SQLSTATE.
/// Names follow appendix A of the PostgreSQL manual.
package enum PostgresErrorCode: Sendable, Hashable {
    /// 08001: no connection could be established (client side).
    case unableToConnect
    /// 08006: an established connection broke (client side).
    case connectionFailure
    /// 23502.
    case notNullViolation
    /// 23503.
    case foreignKeyViolation
    /// 23505.
    case uniqueViolation
    /// 23514.
    case checkViolation
    /// 25006: a write on a standby or in a read-only transaction; seen after a failover.
    case readOnlyTransaction
    /// 25P02: a statement after a failed one in the same transaction.
    case failedTransaction
    /// 28P01.
    case invalidPassword
    /// 3D000.
    case unknownDatabase
    /// 40001.
    case serializationFailure
    /// 40P01.
    case deadlockDetected
    /// 42P01.
    case undefinedTable
    /// 53100.
    case diskFull
    /// 53300.
    case tooManyConnections
    /// 55P03.
    case lockNotAvailable
    /// 57014: `statement_timeout` or a cancel request.
    case queryCanceled
    /// 57P01: the backend was terminated by an administrator or a shutdown.
    case adminShutdown
    /// 57P02: another backend crashed and the server restarts.
    case crashShutdown
    /// 57P03: the server starts up or shuts down.
    case cannotConnectNow
    /// No connection became free within `PoolConfiguration.acquireTimeout`, or the queue of waiters is full.
    case acquireTimedOut
    /// The pool was closed.
    case poolClosed
    /// The caller broke a rule of this module, for example a statement inside `forEachRow`.
    case misuse
    /// The URL or conninfo string cannot be parsed.
    case invalidConfiguration
    /// Any other SQLSTATE.
    case other(sqlstate: String)

    /// The five characters; nil for conditions that PostgreSQL does not know.
    package var sqlstate: String? {
        if case .other(let sqlstate) = self { return sqlstate }
        return Self.sqlstates[self]
    }

    /// The case for a SQLSTATE reported by a server.
    package init(sqlstate: String) {
        self = Self.cases[sqlstate] ?? .other(sqlstate: sqlstate)
    }

    private static let sqlstates: [PostgresErrorCode: String] = [
        .unableToConnect: "08001", .connectionFailure: "08006",
        .notNullViolation: "23502", .foreignKeyViolation: "23503", .uniqueViolation: "23505",
        .checkViolation: "23514", .readOnlyTransaction: "25006", .failedTransaction: "25P02",
        .invalidPassword: "28P01", .unknownDatabase: "3D000", .serializationFailure: "40001",
        .deadlockDetected: "40P01", .undefinedTable: "42P01", .diskFull: "53100",
        .tooManyConnections: "53300", .lockNotAvailable: "55P03", .queryCanceled: "57014",
        .adminShutdown: "57P01", .crashShutdown: "57P02", .cannotConnectNow: "57P03",
    ]

    private static let cases = Dictionary(uniqueKeysWithValues: sqlstates.map { ($1, $0) })
}
