// SPDX-License-Identifier: Apache-2.0

/// What PostgreSQL, libpq or the pool refused, with everything needed to decide between retry and failure.
///
/// The text never contains a password: libpq does not put one into its messages and the URL is not repeated.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, as a closed list with a rest case that carries the SQLSTATE.
    package let code: PostgresErrorCode
    /// The primary message, one sentence, in the server's language.
    package let message: String
    /// The server's DETAIL, for example the key of a violated constraint.
    package let detail: String?
    /// The server's HINT, or ours.
    package let hint: String?
    /// Name of the violated constraint, for class 23 errors.
    package let constraint: String?
    /// The first 200 characters of the statement that failed; parameters are never part of it.
    package let statement: String?
    /// True when the connection is gone (or never came up): the statement may be run again on a new one if repeating it
    /// is harmless.
    package let isConnectionLost: Bool
    /// True when the connection broke while COMMIT was under way: the transaction may or may not be in the database.
    /// Only an idempotent replay finds out.
    package internal(set) var commitUnknown = false

    init(
        code: PostgresErrorCode, message: String, detail: String? = nil, hint: String? = nil,
        constraint: String? = nil, statement: String? = nil, isConnectionLost: Bool = false
    ) {
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.statement = statement.map { String($0.prefix(200)) }
        self.isConnectionLost = isConnectionLost
    }

    /// The five-character SQLSTATE; nil for errors of the pool itself.
    package var sqlstate: String? { code.sqlstate }

    /// True when the same work can succeed later without any change: lost connections, class 08, shutdowns (57P01-03),
    /// exhausted resources (class 53, including a full disk), conflicts (40001, 40P01, 55P03), a server that became
    /// read-only in a failover (25006) and a pool that had no free connection in time.
    package var isRetryable: Bool {
        if isConnectionLost { return true }
        switch code {
        case .adminShutdown, .crashShutdown, .cannotConnectNow, .serializationFailure, .deadlockDetected,
            .lockNotAvailable, .readOnlyTransaction, .acquireTimedOut:
            return true
        default:
            let sqlstate = code.sqlstate ?? ""
            return sqlstate.hasPrefix("08") || sqlstate.hasPrefix("53")
        }
    }

    /// True for 40001 and 40P01: the transaction was rolled back because of another one and can be rerun from its
    /// start.
    package var isTransactionConflict: Bool { code == .serializationFailure || code == .deadlockDetected }

    /// True for 23505.
    package var isUniqueViolation: Bool { code == .uniqueViolation }

    /// True for 23503.
    package var isForeignKeyViolation: Bool { code == .foreignKeyViolation }

    /// True for 23514.
    package var isCheckViolation: Bool { code == .checkViolation }

    /// True for 55P03: `lock_timeout` ran out or `NOWAIT` found the row taken.
    package var isLockNotAvailable: Bool { code == .lockNotAvailable }

    /// True for 57014 without a cancelled Swift task: `statement_timeout` ran out or somebody cancelled the statement.
    package var isStatementTimeout: Bool { code == .queryCanceled }

    /// True when the session must not be used again, although the socket may still be open.
    var discardsConnection: Bool { isConnectionLost || code == .readOnlyTransaction }

    /// The message with SQLSTATE, detail, hint, constraint and statement, on one line.
    package var description: String {
        var text = message
        if let sqlstate { text += " (SQLSTATE \(sqlstate))" }
        if let detail { text += "; detail: \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        if let constraint { text += "; constraint: \(constraint)" }
        if let statement { text += "; statement: \(statement)" }
        if commitUnknown { text += "; the connection broke during COMMIT, the outcome is unknown" }
        return text
    }
}
