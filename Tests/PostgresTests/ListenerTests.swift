// SPDX-License-Identifier: Apache-2.0
import Logging
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ListenerTests {
    private func listener(_ url: String, _ channels: [String]) throws -> NotificationListener {
        try NotificationListener(
            configuration: PoolConfiguration(url: url, applicationName: "listener"), channels: channels,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `a notification wakes the listener with channel and payload`() async throws {
        try await withPool { pool, url in
            let listener = try listener(url, ["shards", "Odd \"Name\""])
            var notifications = listener.notifications.makeAsyncIterator()
            #expect(await notifications.next()?.isReconnect == true)
            try await pool.run { session in
                try session.query("select pg_notify('shards', \("7"))")
                try session.query("select pg_notify('unheard', '')")
                try session.query("select pg_notify(\("Odd \"Name\""), '')")
            }
            #expect(await notifications.next() == .init(channel: "shards", payload: "7", isReconnect: false))
            #expect(await notifications.next() == .init(channel: "Odd \"Name\"", payload: "", isReconnect: false))
            await listener.close()
            #expect(await notifications.next() == nil)
        }
    }

    @Test func `after losing its connection the listener comes back and says so`() async throws {
        try await withPool { pool, url in
            let listener = try listener(url, ["shards"])
            var notifications = listener.notifications.makeAsyncIterator()
            for round in 1...3 {
                #expect(await notifications.next()?.isReconnect == true)
                try await pool.run { session in
                    try session.query("select pg_notify('shards', \(String(round)))")
                    try session.query(
                        """
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where application_name = 'listener' and datname = current_database()
                        """)
                }
                var heard = await notifications.next()
                // The last words may be lost with the connection; the reconnect is what counts.
                while let notification = heard, !notification.isReconnect { heard = await notifications.next() }
                #expect(heard?.isReconnect == true)
                try await pool.run { try $0.execute("select pg_notify('shards', 'again')") }
                #expect(await notifications.next()?.payload == "again")
                if round < 3 {
                    try await pool.run { session in
                        try session.execute(
                            """
                            select pg_terminate_backend(pid) from pg_stat_activity
                            where application_name = 'listener' and datname = current_database()
                            """)
                    }
                }
            }
            await listener.close()
        }
    }

    @Test func `a listener can be closed while its server is unreachable`() async throws {
        let listener = try listener("postgresql://nobody@127.0.0.1:1/none", ["shards"])
        await listener.close()
        var notifications = listener.notifications.makeAsyncIterator()
        #expect(await notifications.next() == nil)
    }

    @Test func `a slow consumer loses the oldest notifications and memory stays bounded`() async throws {
        try await withPool { pool, url in
            let listener = try listener(url, ["flood", "end"])
            var notifications = listener.notifications.makeAsyncIterator()
            #expect(await notifications.next()?.isReconnect == true)
            let signal = try self.listener(url, ["end"])
            var ends = signal.notifications.makeAsyncIterator()
            #expect(await ends.next()?.isReconnect == true)
            try await pool.run { session in
                try session.query("select pg_notify('flood', n::text) from generate_series(1, 5000) n")
                try session.query("select pg_notify('end', '')")
            }
            #expect(await ends.next()?.channel == "end")
            await signal.close()
            await listener.close()
            var kept = 0
            while await notifications.next() != nil { kept += 1 }
            #expect(kept <= NotificationListener.bufferedMax)
        }
    }
}
