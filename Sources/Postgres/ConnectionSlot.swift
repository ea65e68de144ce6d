// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Logging

/// The connection of one of the pool's threads: opened when first needed, replaced when broken. Lives on that thread.
final class ConnectionSlot {
    private let connector: Connector
    private let logger: Logger
    private var connection: Connection?

    /// A slot without a connection yet.
    init(_ connector: Connector, logger: Logger) {
        self.connector = connector
        self.logger = logger
    }

    /// Runs `body` on a session in autocommit.
    func run<T>(_ control: RunControl, _ body: (Session) throws -> T) throws -> T {
        defer { control.finish() }
        let connection = try ready(control)
        return try withSession(connection, control, body)
    }

    /// Runs `body` between BEGIN and COMMIT. Throws `TransactionConflict` when it may be rerun from its start.
    func transaction<T>(_ control: RunControl, _ body: (Session) throws -> T) throws -> T {
        defer { control.finish() }
        let connection = try begun(control)
        return try withSession(connection, control) { session in
            do {
                let value = try body(session)
                try control.shield()
                try commit(session)
                return value
            } catch {
                control.expose(nil)
                rollBack(connection)
                if let cause = session.serverError, cause.isTransactionConflict { throw TransactionConflict(error) }
                throw error
            }
        }
    }

    /// Closes the connection.
    func close() { connection = nil }

    private func commit(_ session: Session) throws {
        let tag: String
        do {
            tag = try session.frame("commit")
        } catch var error as PostgresError {
            error.commitUnknown = error.isConnectionLost
            throw error
        }
        guard tag == "COMMIT" else {
            throw session.serverError
                ?? PostgresError(code: .failedTransaction, message: "the transaction had failed and was rolled back")
        }
    }

    private func rollBack(_ connection: Connection) {
        if connection.isBroken || connection.transactionStatus == PQTRANS_IDLE { return }
        do {
            _ = try Session(connection, RunControl()).frame("rollback")
        } catch {
            // The server rolls back by itself when the connection goes, so dropping it is enough.
            connection.markBroken()
        }
    }

    /// A connection with an open transaction. A broken one found out by BEGIN is replaced once: nothing has happened
    /// yet.
    private func begun(_ control: RunControl) throws -> Connection {
        let statement = "begin isolation level read committed"
        let isReused = connection != nil
        do {
            let connection = try ready(control)
            _ = try Session(connection, control).frame(statement)
            return connection
        } catch let error as PostgresError where error.isConnectionLost && isReused {
            connection = nil
            let connection = try ready(control)
            _ = try Session(connection, control).frame(statement)
            return connection
        }
    }

    private func withSession<T>(
        _ connection: Connection, _ control: RunControl, _ body: (Session) throws -> T
    ) throws -> T {
        let session = Session(connection, control)
        control.expose(connection.cancelHandle)
        defer {
            session.end()
            control.finish()
            rollBack(connection)
            if connection.isBroken { drop() }
        }
        do {
            return try body(session)
        } catch  where control.isCancelled && session.serverError?.code == .queryCanceled {
            throw CancellationError()
        }
    }

    private func ready(_ control: RunControl) throws -> Connection {
        try control.check()
        if let connection {
            if connection.isAlive() { return connection }
            drop()
        }
        let opened = try connector.open { control.isCancelled }
        connection = opened
        return opened
    }

    private func drop() {
        if let connection {
            logger.info("dropping a broken connection", metadata: ["database": "\(connection.endpoint)"])
        }
        connection = nil
    }
}

/// A transaction that PostgreSQL rolled back because of another one.
struct TransactionConflict: Error {
    /// What the closure or COMMIT threw.
    let cause: any Error

    init(_ cause: any Error) {
        self.cause = cause
    }
}
