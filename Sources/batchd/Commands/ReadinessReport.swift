// SPDX-License-Identifier: Apache-2.0
import BatchFiles
import BatchInference
import BatchStore
import Curl
import Logging

/// What `batchd check` found: one line per thing that must work.
struct ReadinessReport: Sendable {
    /// One thing that was tried.
    struct Finding: Hashable, Sendable {
        /// What, such as `database`.
        let name: String
        /// Nil: it works. Else what is wrong and the way out.
        let fault: String?
        /// What was seen, for a thing that works.
        let detail: String
    }

    /// In the order tried.
    private(set) var findings: [Finding] = []

    /// Whether everything works.
    var isGood: Bool { findings.allSatisfy { $0.fault == nil } }

    /// `ok    database: …` or `FAIL  database: …`, one per line.
    var text: String {
        findings.map { finding in
            finding.fault.map { "FAIL  \(finding.name): \($0)\n" } ?? "ok    \(finding.name): \(finding.detail)\n"
        }.joined()
    }

    /// Tries everything.
    static func make(_ settings: Settings, logger: Logger) async -> ReadinessReport {
        var report = ReadinessReport()
        await report.tryDatabase(settings, logger: logger)
        await report.tryVault(settings, logger: logger)
        for entry in settings.objectStores { await report.tryStore(entry, settings, logger: logger) }
        for backend in settings.backends { await report.tryBackend(backend, logger: logger) }
        if settings.backends.isEmpty {
            report.add("backends", "none configured: only the built-in test model works")
        }
        return report
    }

    private mutating func tryDatabase(_ settings: Settings, logger: Logger) async {
        let url: String
        do {
            url = try CommandRun.databaseURL(settings)
        } catch {
            fail("database", "\(error) (`batchd standalone` brings its own)")
            return
        }
        let store = Assembly(settings: settings, logger: logger).store(url: url)
        do {
            try await store.ping()
            add("database", "answers at \(PasswordMask.masked(url))")
            let pending = try await store.pendingMigrations()
            if pending.isEmpty {
                add("migrations", "all applied")
            } else {
                fail(
                    "migrations",
                    "\(pending.count) are missing (\(pending.joined(separator: ", "))): run `batchd migrate`")
            }
        } catch {
            fail("database", DatabaseReadiness.unreachable(url: url, error).description)
        }
        await store.close()
    }

    private mutating func tryVault(_ settings: Settings, logger: Logger) async {
        let own = DataDirectory.existing(settings.standalone.dataDirectory)?.vault
        let wayOut =
            settings.vaultStore.isSet
            ? "correct the settings under vault.s3"
            : "make the directory writable for this user, or choose another vault.directory"
        do {
            guard let (vault, place) = try Assembly(settings: settings, logger: logger).vault(standard: own) else {
                fail("vault", SettingsError.noVault + " (workers need none)")
                return
            }
            try await vault.check()
            add("vault", "writable at \(place)")
        } catch {
            fail("vault", "\(error): \(wayOut)")
        }
    }

    private mutating func tryStore(_ entry: ObjectStoreEntry, _ settings: Settings, logger: Logger) async {
        let name = "object store \(entry.name)"
        do {
            let store = entry.store()
            let stores = try Assembly(settings: settings, logger: logger).remoteStores()
            if store.projects.isEmpty || store.areas.isEmpty {
                fail(name, "no project may use it: name them under projects, and what they may reach under buckets")
                return
            }
            for area in store.areas where area.bucket != "*" {
                try await stores.client(store.access, bucket: area.bucket).probe(prefix: area.prefix)
            }
            let areas = store.areas.map { $0.bucket + ($0.prefix.isEmpty ? "" : "/" + $0.prefix) }
            let isOpen = store.areas.contains { $0.bucket == "*" }
            add(name, "reads \(areas.joined(separator: ", "))\(isOpen ? " (* was not tried)" : "")")
        } catch {
            fail(name, "\(error): correct the entry of object_stores")
        }
    }

    private mutating func tryBackend(_ backend: BackendConfiguration, logger: Logger) async {
        let name = "backend \(backend.name)"
        guard let url = BackendURL(base: backend.baseURL)?.joined(with: "/v1/models") else { return }
        let engine = CurlEngine(EngineConfiguration(threadName: "check"), logger: logger)
        let headers = backend.apiKey.map { HTTPHeaders([("Authorization", "Bearer \($0)")]) } ?? HTTPHeaders()
        do {
            let response = try await engine.perform(
                HTTPRequest(
                    url: url, headers: headers,
                    timeouts: Timeouts(
                        connect: backend.connectTimeout, firstByte: .seconds(15), idle: .seconds(15),
                        total: .seconds(30))))
            switch response.status {
            case 200..<300: add(name, "answers at \(url)")
            case 401, 403: fail(name, "\(url) refuses the key (status \(response.status)): correct its key")
            // Not every server lists its models; that it answers at all is what matters.
            case 404, 405: add(name, "answers at \(url), but lists no models (status \(response.status))")
            default: fail(name, "\(url) answers with status \(response.status): look at the backend's log")
            }
        } catch {
            fail(name, "\(url): \(error.message): start the backend, or correct its URL")
        }
        await engine.shutdown()
    }

    private mutating func add(_ name: String, _ detail: String) {
        findings.append(Finding(name: name, fault: nil, detail: detail))
    }

    private mutating func fail(_ name: String, _ fault: String) {
        findings.append(Finding(name: name, fault: fault, detail: ""))
    }
}
