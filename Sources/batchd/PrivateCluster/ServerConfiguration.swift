// SPDX-License-Identifier: Apache-2.0

/// The files that configure the private PostgreSQL, written anew at each start.
///
/// Sized so that every process of it stays below 256 MiB resident: shared buffers count in each.
enum ServerConfiguration {
    /// The database role that owns everything.
    static let role = "shardline"

    /// `postgresql.conf`. What an operator adds belongs in `postgresql.local.conf` beside it, which is never written.
    static func postgresql(socketDirectory: String) -> String {
        """
        # Written by batchd at each start. Put changes into postgresql.local.conf.
        listen_addresses = ''
        port = 5432
        unix_socket_directories = \(quoted(socketDirectory))
        unix_socket_permissions = 0700
        cluster_name = 'shardline'
        max_connections = 120
        shared_buffers = 96MB
        work_mem = 8MB
        maintenance_work_mem = 48MB
        autovacuum_work_mem = 32MB
        huge_pages = off
        jit = off
        max_parallel_workers_per_gather = 0
        max_parallel_maintenance_workers = 0
        random_page_cost = 1.1
        fsync = on
        synchronous_commit = on
        full_page_writes = on
        wal_level = minimal
        max_wal_senders = 0
        wal_compression = on
        wal_buffers = 8MB
        min_wal_size = 128MB
        max_wal_size = 2GB
        checkpoint_timeout = 10min
        checkpoint_completion_target = 0.9
        autovacuum_naptime = 15s
        password_encryption = scram-sha-256
        log_destination = stderr
        logging_collector = off
        log_min_messages = warning
        log_checkpoints = off
        log_line_prefix = '%m [%p] '
        log_timezone = 'UTC'
        timezone = 'UTC'
        datestyle = 'iso, ymd'
        lc_messages = 'C'
        include_if_exists = 'postgresql.local.conf'

        """
    }

    /// `pg_hba.conf`: the socket only, and only the users of ``identities(ourName:serverName:)``.
    static let access = """
        # Written by batchd at each start.
        local all \(role) peer map=shardline

        """

    /// `pg_ident.conf`: system users that may be the role: we, and the user that PostgreSQL runs as.
    static func identities(ourName: String, serverName: String) -> String {
        var names = [ourName]
        if serverName != ourName { names.append(serverName) }
        return "# Written by batchd at each start.\n"
            + names.map { "shardline \"\($0)\" \(role)\n" }.joined()
    }

    /// The libpq connection string for a cluster whose socket lies in `socketDirectory`.
    static func connectionString(socketDirectory: String) -> String {
        "host=\(quoted(socketDirectory)) port=5432 user=\(role) dbname=postgres"
    }

    /// Quoted as both configuration files and libpq understand it.
    static func quoted(_ text: String) -> String {
        var quoted = "'"
        for character in text {
            if character == "'" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "'"
    }
}
