// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The house rules, checked over the whole checkout.
@Suite struct TidyTests {
    /// Read once; every rule looks at the same tree.
    private static let tree = Result { try SourceTree() }
    private static let rules = TextRules.all + PlaceRules.all + DeclarationRules.all

    @Test(arguments: rules) func `every file keeps the rule`(_ rule: Rule) throws {
        try expectNone(Self.tree.get().files.flatMap(rule.violations), breaking: rule.claim)
    }

    @Test func `every file imports only what its target declares`() throws {
        let files = try Self.tree.get().files
        let law = ImportLaw(manifest: try #require(files.first { $0.path == "Package.swift" }))
        expectNone(files.flatMap(law.violations), breaking: "imports follow Package.swift")
    }

    @Test func `every dependency of a target lies on a lower floor`() throws {
        let files = try Self.tree.get().files
        let law = ImportLaw(manifest: try #require(files.first { $0.path == "Package.swift" }))
        #expect(law.allowed.count > 10, "the manifest could not be read")
        #expect(law.brokenLists() == [])
    }

    @Test func `one file per program reads the environment`() throws {
        try expectNone(
            PlaceRules.environmentReaders(in: Self.tree.get().files), breaking: "the environment has one reader")
    }

    @Test func `migrations are numbered without a gap`() throws {
        let names = try Self.tree.get().files.filter { $0.path.hasPrefix("Migrations/") && $0.path.hasSuffix(".sql") }
            .map(\.name)
        #expect(!names.isEmpty)
        #expect(names.map { Int($0.prefix(4)) } == names.indices.map { $0 + 1 })
    }

    private func expectNone(_ violations: [Violation], breaking claim: String) {
        let list = violations.prefix(50).map(\.description).joined(separator: "\n")
        #expect(violations.isEmpty, "\(violations.count) breaches of: \(claim)\n\(list)")
    }
}
