// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// What the operator calls a project; nil when there is none of that id.
    package func projectName(of id: ProjectID) async throws -> String? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query("select name from projects where id = \(id.rawValue)").first.map { row in
                try row["name", as: String.self]
            }
        }
    }
}
