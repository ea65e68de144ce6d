// SPDX-License-Identifier: Apache-2.0

/// One place lists every setting: the example configuration.
enum SettingsRule {
    /// Where all settings are explained.
    static let examplePath = "Deploy/shardline.example.yaml"
    private static let prefix = "SHARDLINE_"

    /// Environment settings that `batchd` reads and the example does not mention, and the other way round.
    static func violations(in files: [SourceFile]) -> [Violation] {
        guard let example = files.first(where: { $0.path == examplePath }) else {
            return [Violation(path: examplePath, line: 1, what: "is missing: it lists every setting")]
        }
        let listed = settings(in: [example]) { file in file.lines }
        let read = settings(in: files.filter { $0.target == "batchd" }) { file in file.scanned.map(\.literals) }
        let missing = read.filter { listed[$0.key] == nil }
            .map { Violation(path: $0.value.0, line: $0.value.1, what: "\($0.key) is not in \(examplePath)") }
        let unknown = listed.filter { read[$0.key] == nil }
            .map { Violation(path: examplePath, line: $0.value.1, what: "nothing reads \($0.key)") }
        return (missing + unknown).sorted { ($0.path, $0.line) < ($1.path, $1.line) }
    }

    private static func settings(
        in files: [SourceFile], texts: (SourceFile) -> [String]
    ) -> [String: (path: String, line: Int)] {
        var found: [String: (path: String, line: Int)] = [:]
        for file in files {
            for (index, text) in texts(file).enumerated() {
                let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                for word in words where word.hasPrefix(prefix) && word.count > prefix.count {
                    found[String(word)] = found[String(word)] ?? (file.path, index + 1)
                }
            }
        }
        return found
    }
}
