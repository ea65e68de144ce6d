// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The project of that name, made when there is none. Two callers at once get the same one.
    package func ensureProject(name: String) async throws -> ProjectID {
        let fresh = ProjectID.random()
        return try await pool.run(retryingConnectionLoss: true) { session in
            // The no-op update makes the existing row visible to RETURNING.
            let rows = try session.query(
                """
                insert into projects (id, name) values (\(fresh.rawValue), \(name))
                on conflict (name) do update set name = excluded.name
                returning id
                """)
            return try rows.onlyRow("projects").identifier("id")
        }
    }
}
