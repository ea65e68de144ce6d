// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchAPI
import BatchCore
import BatchFiles
import BatchInference
import BatchWorker
import Foundation
import Testing

@testable import batchd

@Suite struct SettingsTests {
    private func resolve(
        flags: [String: String] = [:], environment: [String: String] = [:], yaml: String? = nil
    ) throws -> ResolvedSettings {
        var given = ResolvedSettings.Flags()
        given.values = flags.mapValues { ($0, "--set") }
        guard let yaml else { return try ResolvedSettings(flags: given, environment: environment) }
        return try withTemporaryDirectory { directory in
            let path = directory + "/shardline.yaml"
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: path))
            given.configurationPath = path
            return try ResolvedSettings(flags: given, environment: environment)
        }
    }

    private func problems(
        flags: [String: String] = [:], environment: [String: String] = [:], yaml: String? = nil
    ) throws -> [String] {
        do {
            _ = try resolve(flags: flags, environment: environment, yaml: yaml)
            return []
        } catch let error as SettingsError {
            return error.problems
        }
    }

    @Test func `a flag wins over the environment, that over the file, that over the default`() throws {
        let yaml = "worker:\n  concurrency: 3\n  lease: 20s\napi:\n  port: 1000\n"
        let environment = ["SHARDLINE_WORKER_CONCURRENCY": "5", "SHARDLINE_API_PORT": "2000"]
        let resolved = try resolve(flags: ["api.port": "3000"], environment: environment, yaml: yaml)
        #expect(resolved.settings.api.port == 3_000)
        #expect(resolved.settings.worker.concurrency == 5)
        #expect(resolved.settings.worker.lease == .seconds(20))
        #expect(resolved.settings.worker.pollEvery == .seconds(2))
        #expect(resolved.sources["api.port"]?.description == "--set")
        #expect(resolved.sources["worker.concurrency"]?.description == "SHARDLINE_WORKER_CONCURRENCY")
        #expect(resolved.sources["worker.lease"]?.description.hasSuffix("shardline.yaml:3") == true)
        #expect(resolved.sources["worker.poll_every"] == nil)
    }

    @Test func `models of Ark come as a mapping of the file or as pairs, and a slip in them is told`() throws {
        let yaml = "ark:\n  models:\n    doubao-pro-32k: Qwen/Qwen3-8B\n    ep-1: \"big=q4\"\n"
        #expect(
            try resolve(yaml: yaml).settings.limits.ark.models.entries == [
                "doubao-pro-32k": "Qwen/Qwen3-8B", "ep-1": "big=q4",
            ])
        let pairs = try resolve(environment: ["SHARDLINE_ARK_MODELS": "a=b, c = d"], yaml: yaml)
        #expect(pairs.settings.limits.ark.models.entries == ["a": "b", "c": "d"])
        #expect(try resolve(yaml: "ark:\n  models: a=b\n").settings.limits.ark.models.served("a") == "b")
        #expect(try problems(yaml: "ark:\n  models:\n    a,b: c\n")[0].contains("without commas"))
        #expect(try problems(flags: ["ark.models": "a"])[0].contains("name=model"))
        #expect(try problems(yaml: "api:\n  port:\n    a: b\n")[0].contains("single value"))
    }

    @Test func `object stores come from the file, and a slip in them is told`() throws {
        let entry = "object_stores:\n  - name: data\n    access_key: k\n    secret_key_env: SECRET\n"
        let good = try resolve(
            environment: ["SECRET": "s"], yaml: entry + "    buckets: [one, two/dir/]\n    projects: ['*']\n")
        let store = try #require(good.settings.objectStores.first).store()
        #expect(store.areas.map(\.bucket) == ["one", "two"] && store.areas.map(\.prefix) == ["", "dir/"])
        #expect(store.projects == ["*"] && store.access.credentials.secretKey == "s")
        // Nobody and nothing unless it is said.
        let closed = try #require(resolve(environment: ["SECRET": "s"], yaml: entry).settings.objectStores.first)
            .store()
        #expect(closed.projects.isEmpty && closed.areas.isEmpty)
        for (more, words) in [
            ("    buckets: two/dir\n", "neither bucket, bucket/prefix/"), ("    bucket: one\n", "did you mean buckets"),
            ("    endpoint: http://host/path\n", "must end after host and port"), ("    type: gcs\n", "must be one of"),
        ] {
            let found = try problems(environment: ["SECRET": "s"], yaml: entry + more)
            #expect(found.count == 1 && found[0].contains(words), "\(found)")
        }
        #expect(try problems(yaml: entry).contains { $0.contains("SECRET") })
    }

    @Test func `names, variables and flags are unique`() {
        #expect(Set(SettingsTable.all.map(\.name)).count == SettingsTable.all.count)
        #expect(Set(SettingsTable.all.map(\.variable)).count == SettingsTable.all.count)
    }

    @Test func `every flag of the table is a flag of the programs, and the other way round`() throws {
        let own = try SettingFlags.parse([]).own.map(\.name)
        let flagged = SettingsTable.all.filter { $0.flag != nil }
        #expect(Set(own) == Set(flagged.map(\.name)))
        for row in flagged {
            let value = row.read(Settings())
            let given = try SettingFlags.parse([try #require(row.flag), value.isEmpty ? "x" : value]).given
            #expect(given.values.keys.sorted() == [row.name])
        }
    }

    @Test func `every default can be written as text and read back`() throws {
        for row in SettingsTable.all {
            let text = row.read(Settings())
            var settings = Settings()
            try row.write(&settings, text)
            #expect(row.read(settings) == text, "\(row.name)")
        }
    }

    @Test func `the example file lists every setting and nothing else, with the defaults`() throws {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = checkout.appendingPathComponent("Deploy/shardline.example.yaml").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == SettingsReference.yaml(), "renew it: batchd settings --yaml > Deploy/shardline.example.yaml")
        let file = ConfigurationFile(path: path, text: text, environment: [:])
        #expect(file.problems == [])
        #expect(Set(file.entries.keys) == Set(SettingsTable.all.map(\.name)))
        for row in SettingsTable.all { #expect(file.entries[row.name]?.text == row.read(Settings()), "\(row.name)") }
    }

    @Test func `an unknown key names itself, its place and the nearest known one`() throws {
        let found = try problems(yaml: "worker:\n  leese: 10s\nwebhok:\n  url: http://x\n")
        #expect(found.count == 2)
        #expect(found[0].contains("shardline.yaml:2: unknown setting worker.leese, did you mean worker.lease?"))
        #expect(found[1].contains("shardline.yaml:3: unknown setting webhok, did you mean webhook?"))
    }

    @Test func `every problem is reported at once, with its source`() throws {
        let found = try problems(
            flags: ["api.port": "70000", "no.such": "1"], environment: ["SHARDLINE_WORKER_LEASE": "soon"],
            yaml: "log:\n  level: loud\n\nworker: 3\n")
        let all = found.joined(separator: "\n")
        #expect(all.contains("api.port (--set) is \"70000\": must be a whole number of 0…65535"))
        #expect(all.contains("worker.lease (SHARDLINE_WORKER_LEASE) is \"soon\": must be a length of time"))
        #expect(all.contains("--set no.such: unknown setting"))
        #expect(all.contains("shardline.yaml:2) is \"loud\": must be one of trace"))
        #expect(all.contains("shardline.yaml:4: worker is a section"))
    }

    @Test(arguments: ["- a\n- b\n", "a: [", "just words", "backend: a\nbackend: b\n"])
    func `a file that is no mapping of settings is refused`(yaml: String) throws {
        #expect(try problems(yaml: yaml).count == 1)
    }

    @Test(arguments: ["", "# nothing\n", "worker:\n", "worker:\n  # lease: 3s\n"])
    func `an empty file or section changes nothing`(yaml: String) throws {
        #expect(try resolve(yaml: yaml).sources.isEmpty)
    }

    @Test func `a missing file is named`() throws {
        let found = try problems(environment: ["SHARDLINE_CONFIG": "/no/such/file.yaml"])
        #expect(found == ["cannot read the configuration file /no/such/file.yaml: No such file or directory"])
    }

    @Test func `backends are read from the file, keys from the environment, and the shorthand comes last`() throws {
        let yaml = """
            backends:
              - name: one
                url: http://127.0.0.1:8000/v1
                key_env: ONE_KEY
                models: [qwen-max, "qwen-*"]
                concurrency: 7
                total_timeout: 90s
              - name: two
                url: http://127.0.0.1:8001
                key: k2
                models: "llama"
            """
        let resolved = try resolve(
            environment: ["ONE_KEY": "k1", "SHARDLINE_BACKEND": "http://127.0.0.1:9/v1"], yaml: yaml)
        let backends = resolved.settings.backends
        #expect(backends.map(\.name) == ["one", "two", "default"])
        #expect(backends.map(\.apiKey) == ["k1", "k2", nil])
        #expect(backends[0].models == [.exact("qwen-max"), .prefix("qwen-")])
        #expect(backends[0].concurrency == 7)
        #expect(backends[0].totalTimeout == .seconds(90))
        #expect(backends[2].models == [.any])
    }

    @Test func `faults of backends are named`() throws {
        let yaml = """
            backends:
              - name: one
                url: ftp://x
                modles: ["*"]
                key_env: NOT_THERE
              - url: http://x
                models: ["a*b"]
                concurrency: many
            """
        let all = try problems(yaml: yaml).joined(separator: "\n")
        #expect(all.contains("unknown key modles of a backend, did you mean models?"))
        #expect(all.contains("the environment variable NOT_THERE, named by key_env of backend one, is not set"))
        #expect(all.contains("models of a backend must be a list"))
        #expect(all.contains("concurrency of a backend must be a whole number"))
    }

    @Test func `values that do not fit together are refused`() throws {
        let all = try problems(flags: ["worker.renew_every": "9s", "webhook.secret": "hush"]).joined(separator: "\n")
        #expect(all.contains("renewal"))
        #expect(all.contains("webhook.secret: must be whsec_"))
        #expect(!all.contains("hush"))
    }

    @Test func `secrets are not shown`() throws {
        let resolved = try resolve(flags: [
            "database.url": "postgresql://me:s3cret@db/x", "backend_api_key": "s3cret", "backend": "http://127.0.0.1:9",
        ])
        let shown = CheckCommand.effective(resolved)
        #expect(!shown.contains("s3cret"))
        #expect(shown.contains("postgresql://me:***@db/x"))
        for row in SettingsTable.all { #expect(shown.contains("\(row.name) = "), "\(row.name)") }
    }

    @Test func `a misspelt variable is suspected, a foreign one is not`() throws {
        let resolved = try resolve(environment: [
            "SHARDLINE_WROKER_LEASE": "3s", "SHARDLINE_SERVICE_HOST": "10.0.0.1", "SHARDLINE_URL": "http://x",
        ])
        #expect(resolved.suspects == ["SHARDLINE_WROKER_LEASE is not a setting; did you mean SHARDLINE_WORKER_LEASE?"])
    }
}
