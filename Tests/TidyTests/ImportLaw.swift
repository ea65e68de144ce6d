// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The architecture as the manifest declares it: which target may import what.
struct ImportLaw {
    /// Targets and the modules their dependency lists name.
    let allowed: [String: Set<String>]

    /// Modules of the toolchain; they are nobody's dependency.
    private static let toolchain: Set = [
        "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Synchronization", "Swift", "Testing",
    ]
    /// Modules that come with a package under other names than its product's.
    private static let families = ["Hummingbird": ["Hummingbird", "NIO", "HTTPTypes", "ServiceLifecycle", "Logging"]]
    /// Technologies and the only targets that may name them; a dependency list that says otherwise is wrong.
    static let homes: [String: Set<String>] = [
        "CLibpq": ["Postgres"], "CLibcurl": ["Curl"], "CZstd": ["Zstd"], "CEpoll": ["Curl", "batchd"],
        "CRabbitMQ": ["Amqp", "BrokerTesting"], "Amqp": ["BatchWebhook", "batchd"],
        "Sealing": ["BatchCoordinator", "BatchAPI", "batchd"],
        "Hummingbird": ["BatchAPI"],
        "ArgumentParser": ["batchd", "batchctl"], "Yams": ["batchd"], "Zstd": ["BatchStore"],
        "Postgres": ["BatchStore", "BatchCoordinator", "BatchWorker", "BatchAPI", "batchd"],
        "Curl": ["BatchFiles", "BatchInference", "BatchWebhook", "BatchClient", "BatchRun", "batchd", "batchctl"],
    ]
    /// The floors of the house from the ground up; a target depends on lower floors only, never on its neighbours.
    static let floors: [Set<String>] = [
        ["CLibpq", "CLibcurl", "CZstd", "CEpoll", "CRabbitMQ"],
        ["BatchCore", "BatchMigrations", "Postgres", "Curl", "Zstd", "Loops", "Amqp", "Sealing"],
        ["BatchStore", "BatchFiles", "BatchInference", "BatchWebhook", "BatchClient"],
        ["BatchCoordinator", "BatchWorker", "BatchRun"],
        ["BatchAPI"],
        ["batchd", "batchctl"],
    ]

    /// Reads the dependency lists out of the manifest's text: `target("Name", ["A", b, …])` and its siblings.
    init(manifest: SourceFile) {
        let text = manifest.lines.joined(separator: "\n")
        var products: [String: String] = [:]
        for line in manifest.lines where line.hasPrefix("let ") && line.contains(".product(name: \"") {
            let variable = line.dropFirst(4).prefix { $0 != ":" }
            products[String(variable)] = Self.quoted(in: line).first
        }
        var allowed: [String: Set<String>] = [:]
        for call in ["target(", "program(", "support(", "tests("] {
            for part in text.components(separatedBy: "\n        " + call).dropFirst() {
                guard let name = Self.quoted(in: part).first, let begin = part.firstIndex(of: "["),
                    let end = part.firstIndex(of: "]"), begin < end
                else { continue }
                let list = String(part[part.index(after: begin)..<end])
                let variables = list.split { !$0.isLetter && $0 != "\"" && $0 != "." }.map(String.init)
                allowed[name] = Set(Self.quoted(in: list) + variables.compactMap { products[$0] })
            }
        }
        self.allowed = allowed
    }

    private static func quoted(in text: String) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return stride(from: 1, to: parts.count, by: 2).map { String(parts[$0]) }
    }

    /// Imports that the file's target does not declare.
    func violations(in file: SourceFile) -> [Violation] {
        guard !file.target.isEmpty, file.path.hasSuffix(".swift") else { return [] }
        guard let allowed = allowed[file.target] else {
            return file.target == "BatchMigrations"
                ? [] : [file.violation(0, "the manifest has no target \(file.target)")]
        }
        return file.scanned.indices.compactMap { index in
            guard let module = Self.module(importedBy: file.scanned[index]) else { return nil }
            if file.target == "BatchCore" || !Self.toolchain.contains(module) {
                guard !allowed.contains(module), !Self.comes(module, withAnyOf: allowed) else { return nil }
                return file.violation(index, "\(file.target) does not depend on \(module) (Package.swift)")
            }
            return nil
        }
    }

    private static func comes(_ module: String, withAnyOf products: Set<String>) -> Bool {
        families.contains { product, prefixes in
            products.contains(product) && prefixes.contains { module.hasPrefix($0) }
        }
    }

    private static func module(importedBy line: ScannedLine) -> String? {
        var words = line.words[...]
        while let first = words.first, first.hasPrefix("@") || ["package", "internal", "private"].contains(first) {
            words = words.dropFirst()
        }
        guard words.first == "import", words.count > 1 else { return nil }
        words = words.dropFirst()
        if let kind = words.first, ["struct", "func", "class", "enum"].contains(kind) { words = words.dropFirst() }
        return words.first
    }

    /// Dependency lists that break the law of floors and homes.
    func brokenLists() -> [String] {
        let floorOf = Dictionary(
            uniqueKeysWithValues: Self.floors.enumerated().flatMap { floor, names in names.map { ($0, floor) } })
        var broken: [String] = []
        for (target, dependencies) in allowed where !target.hasSuffix("Tests") && !target.hasSuffix("Testing") {
            guard let own = floorOf[target] else {
                broken.append("\(target) stands on no floor")
                continue
            }
            for dependency in dependencies {
                if let floor = floorOf[dependency], floor >= own {
                    broken.append("\(target) depends on \(dependency), which is not below it")
                }
                if let homes = Self.homes[dependency], !homes.contains(target) {
                    broken.append("\(target) depends on \(dependency), which belongs to \(homes.sorted())")
                }
            }
        }
        return broken.sorted()
    }
}
