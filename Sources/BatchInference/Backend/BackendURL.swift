// SPDX-License-Identifier: Apache-2.0

/// Joins a backend's base URL and the path of a line.
///
/// Lines say `/v1/…`. A base may or may not end in its version (`http://host:8000`, `http://host:8000/v1/`,
/// `https://host/api/v3`); when it does, that version takes the place of the line's.
package struct BackendURL: Hashable, Sendable {
    private static let lineVersion = "/v1"

    /// The base without its version and without a slash at the end.
    private let root: String
    /// `/v1`, `/v3`, …; `/v1` when the base names none.
    private let version: String

    /// Takes a base apart; nil unless it is `http(s)://host…` without query, fragment, blank or control character.
    package init?(base: String) {
        let isPlain = base.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"?#".utf8.contains($0) }
        guard isPlain, let scheme = ["http://", "https://"].first(where: { base.lowercased().hasPrefix($0) }) else {
            return nil
        }
        var trimmed = Substring(base)
        while trimmed.hasSuffix("/") && trimmed.utf8.count > scheme.utf8.count { trimmed.removeLast() }
        let afterScheme = trimmed.dropFirst(scheme.count)
        guard let first = afterScheme.first, first != "/", first != ":" else { return nil }
        if let slash = afterScheme.lastIndex(of: "/"), Self.isVersion(afterScheme[afterScheme.index(after: slash)...]) {
            root = String(trimmed[..<slash])
            version = String(trimmed[slash...])
        } else {
            root = String(trimmed)
            version = Self.lineVersion
        }
    }

    /// The URL of a line; `path` begins with a slash, such as `/v1/embeddings`.
    package func joined(with path: String) -> String {
        guard path.hasPrefix(Self.lineVersion + "/") else { return root + path }
        return root + version + path.dropFirst(Self.lineVersion.count)
    }

    /// `v` and digits.
    private static func isVersion(_ segment: Substring) -> Bool {
        segment.first == "v" && segment.count > 1 && segment.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }
}
