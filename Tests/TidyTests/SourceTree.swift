// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The checkout this test was compiled from, as far as people write it.
struct SourceTree {
    /// Every file of ``suffixes`` outside of ignored folders, sorted by path.
    let files: [SourceFile]

    /// What is looked at; documents and examples have rules of their own.
    static let suffixes = [".swift", ".sql", ".py", ".bash", ".yaml", ".h"]
    /// Folders whose files have no suffix but are read as well.
    static let scriptFolders = ["Deploy", ".ci"]

    /// Reads the checkout.
    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var files: [SourceFile] = []
        for top in ["Package.swift", "Sources", "Migrations", "Tests", "Deploy", ".ci"] {
            for path in try Self.paths(under: top, in: root) where Self.isRead(path) {
                let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
                files.append(SourceFile(path: path, text: text))
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    private static func paths(under top: String, in root: URL) throws -> [String] {
        let url = root.appendingPathComponent(top)
        guard try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true else { return [top] }
        let inside = try FileManager.default.subpathsOfDirectory(atPath: url.path)
        return inside.filter { !$0.contains("__pycache__") }.map { "\(top)/\($0)" }
    }

    private static func isRead(_ path: String) -> Bool {
        if suffixes.contains(where: path.hasSuffix) { return true }
        let parts = path.split(separator: "/")
        return parts.count == 2 && !parts[1].contains(".") && scriptFolders.contains(String(parts[0]))
            && parts[1] != "examples"
    }
}

/// One file: its path from the root of the checkout, its text, and for Swift what the scanner found.
struct SourceFile: Sendable {
    /// Such as `Sources/BatchCore/Identifiers.swift`.
    let path: String
    /// Its lines without newlines; the one behind a last newline does not count.
    let lines: [String]
    /// The lines with comments, text and code told apart; empty unless the file is Swift.
    let scanned: [ScannedLine]

    /// A file; tests plant violations with it.
    init(path: String, text: String) {
        self.path = path
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        scanned = path.hasSuffix(".swift") ? SwiftScanner.scan(text) : []
    }

    /// The target it belongs to, such as `BatchCore`; empty for what is outside of targets.
    var target: String {
        let parts = path.split(separator: "/")
        if parts.first == "Migrations" { return "BatchMigrations" }
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return "" }
        return String(parts[1])
    }

    /// True for product code, false for tests and their support.
    var isProduct: Bool { path.hasPrefix("Sources/") }
    /// The last part of the path.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// A violation at `line`, counted from zero.
    func violation(_ line: Int, _ what: String) -> Violation {
        Violation(path: path, line: line + 1, what: what)
    }
}

/// One breach of a rule: where, what, and what to do instead.
struct Violation: CustomStringConvertible, Hashable {
    /// The file.
    let path: String
    /// Counted from one.
    let line: Int
    /// What is wrong, and the way out.
    let what: String

    var description: String { "\(path):\(line): \(what)" }
}

/// One house rule over one file at a time.
struct Rule: CustomTestStringConvertible, Sendable {
    /// A sentence that is true of a tidy tree.
    let claim: String
    /// The breaches in one file.
    let violations: @Sendable (SourceFile) -> [Violation]

    var testDescription: String { claim }
}
