// SPDX-License-Identifier: Apache-2.0

/// How a pool (or a listener) reaches PostgreSQL and how long it may wait for what.
package struct PoolConfiguration: Sendable {
    /// A libpq conninfo string or `postgresql://` URL, several hosts allowed. What it sets wins over the defaults added
    /// here (`connect_timeout`, `tcp_user_timeout`, keepalives, `application_name`, `target_session_attrs`), except
    /// `client_encoding`, which is always UTF8. No default.
    package var url: String
    /// Upper bound of open connections; each owns one thread. At least 1. Default 4.
    package var connectionsMax: Int
    /// Shown in `pg_stat_activity`. Default "shardline".
    package var applicationName: String
    /// Longest time for one attempt to connect to one host. A `connect_timeout` in `url` wins. Default 10 s.
    package var connectTimeout: Duration
    /// `statement_timeout` of the session. Zero switches it off (migrations). The client gives up `stallMargin` later.
    /// Default 60 s.
    package var statementTimeout: Duration
    /// `lock_timeout` of the session: longest wait for a row or table lock. Zero switches it off. Default 30 s.
    package var lockTimeout: Duration
    /// `idle_in_transaction_session_timeout` of the session: how long a transaction may stay open between two
    /// statements before the server ends the session. Zero switches it off. Default 60 s.
    package var idleInTransactionTimeout: Duration
    /// Longest wait for a free connection, and the whole time `run(retryingConnectionLoss: true)` keeps trying.
    /// Default 30 s.
    package var acquireTimeout: Duration
    /// Upper bound of calls waiting for a connection; the next one fails at once. Default 1024.
    package var waitersMax: Int
    /// How often a transaction is run before its 40001 or 40P01 is passed on. At least 1. Default 8.
    package var transactionAttemptsMax: Int
    /// What the client adds to `statementTimeout` before it declares a silent server dead and drops the connection.
    /// Default 10 s.
    package var stallMargin: Duration

    /// A configuration whose fields have the defaults named at each of them.
    package init(
        url: String, connectionsMax: Int = 4, applicationName: String = "shardline",
        connectTimeout: Duration = .seconds(10), statementTimeout: Duration = .seconds(60),
        lockTimeout: Duration = .seconds(30), idleInTransactionTimeout: Duration = .seconds(60),
        acquireTimeout: Duration = .seconds(30), waitersMax: Int = 1024, transactionAttemptsMax: Int = 8,
        stallMargin: Duration = .seconds(10)
    ) {
        self.url = url
        self.connectionsMax = connectionsMax
        self.applicationName = applicationName
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.lockTimeout = lockTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.acquireTimeout = acquireTimeout
        self.waitersMax = waitersMax
        self.transactionAttemptsMax = transactionAttemptsMax
        self.stallMargin = stallMargin
    }

    /// The longest silence of the server that the client accepts during a statement; nil when there is no limit.
    var silenceMax: Duration? {
        statementTimeout > .zero ? statementTimeout + stallMargin : nil
    }

    /// Sent after connecting: timeouts and UTC. Not passed as `options`, which PgBouncer refuses.
    var sessionSettings: String {
        """
        set statement_timeout = \(statementTimeout.wholeMilliseconds); \
        set lock_timeout = \(lockTimeout.wholeMilliseconds); \
        set idle_in_transaction_session_timeout = \(idleInTransactionTimeout.wholeMilliseconds); \
        set timezone = 'UTC'
        """
    }
}

extension Duration {
    /// Milliseconds, rounded down, limited to what a 32-bit setting or poll(2) takes; never negative.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        if seconds >= 2_000_000 { return 2_000_000_000 }
        return max(0, Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
