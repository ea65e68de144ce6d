// SPDX-License-Identifier: Apache-2.0

/// Which models a backend serves: one name (`qwen-max`), every name with a prefix (`qwen-*`), or all (`*`).
package enum ModelPattern: Hashable, Sendable, CustomStringConvertible {
    /// This name only; compared byte by byte.
    case exact(String)
    /// Every name that begins like this; never empty.
    case prefix(String)
    /// Every name.
    case any

    /// Reads a pattern; nil when it is empty or has a `*` before its end.
    package init?(_ text: String) {
        guard !text.isEmpty, !text.dropLast().contains("*") else { return nil }
        if text == "*" {
            self = .any
        } else if text.hasSuffix("*") {
            self = .prefix(String(text.dropLast()))
        } else {
            self = .exact(text)
        }
    }

    /// Whether `model` is one of these.
    package func matches(_ model: String) -> Bool {
        switch self {
        case .exact(let name): model.utf8.elementsEqual(name.utf8)
        case .prefix(let prefix): model.utf8.starts(with: prefix.utf8)
        case .any: true
        }
    }

    /// The pattern as it is written in a configuration.
    package var description: String {
        switch self {
        case .exact(let name): name
        case .prefix(let prefix): prefix + "*"
        case .any: "*"
        }
    }
}
