// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import BatchStore
import HTTPTypes
import Logging
import Loops

/// The routes that load balancers and supervisors probe; they need no key and tell nothing secret.
struct HealthRoutes: Sendable {
    /// The database that must answer.
    let store: Store
    /// The vault that must be writable.
    let vault: any FileVault
    /// How long each of them may take.
    let deadline: Duration
    /// Where the reasons of failures go.
    let logger: Logger

    /// The table of these routes.
    var routes: [Route] {
        [.open(.get, "/health", health), .open(.get, "/ready", ready)]
    }

    /// The process lives and serves requests.
    private func health(_ call: Call) async throws -> Answer {
        .json(.object([.init("status", .string("ok"))]))
    }

    /// The process can do its work: 200, or 503 that names what is missing.
    private func ready(_ call: Call) async throws -> Answer {
        async let database = isWorking("database") { try await store.ping() }
        async let files = isWorking("vault") { try await vault.check() }
        let checks = [("database", await database), ("vault", await files)]
        let isReady = checks.allSatisfy(\.1)
        var answer = Answer.json(
            .object([
                .init("status", .string(isReady ? "ready" : "unavailable")),
                .init("checks", .object(checks.map { .init($0, .string($1 ? "ok" : "failed")) })),
            ]), status: isReady ? .ok : .serviceUnavailable)
        if !isReady { answer.headers[.retryAfter] = "2" }
        return answer
    }

    private func isWorking(_ name: String, _ check: @escaping @Sendable () async throws -> Void) async -> Bool {
        do {
            try await withDeadline(deadline) { try await check() }
            return true
        } catch {
            logger.warning("not ready", metadata: ["check": "\(name)", "error": "\(error)"])
            return false
        }
    }
}
