// SPDX-License-Identifier: Apache-2.0
package import BatchCore
import Glibc

/// Where the request lines of a run are.
package enum InputPlace: Hashable, Sendable {
    /// A local file, a named pipe included.
    case path(String)
    /// Standard input.
    case standardInput
    /// An http or https URL, called exactly as written.
    case url(OutboundURL)

    /// Reads what a user typed: a path, `-`, or a URL.
    package init(_ text: String) throws(RunError) {
        if text == "-" {
            self = .standardInput
        } else if let url = try Places.url(text) {
            self = .url(url)
        } else {
            self = .path(text)
        }
    }

    /// What people call it; of a URL without its query, which may be a permission.
    package var name: String {
        switch self {
        case .path(let path): path
        case .standardInput: "standard input"
        case .url(let url): ObjectAddress.url(url).description
        }
    }
}

/// Where the results of a run go.
package enum OutputPlace: Hashable, Sendable {
    /// A local file.
    case path(String)
    /// An http or https URL that takes one PUT.
    case url(OutboundURL)

    /// Reads what a user typed: a path or a URL.
    package init(_ text: String) throws(RunError) {
        guard text != "-" else {
            throw RunError(.refused, "the results need a file that can be resumed: give -o a path instead of \"-\"")
        }
        self = try Places.url(text).map(OutputPlace.url) ?? .path(text)
    }

    /// What people call it; of a URL without its query, which may be a permission.
    package var name: String {
        switch self {
        case .path(let path): path
        case .url(let url): ObjectAddress.url(url).description
        }
    }
}

/// What places of input and output have in common.
enum Places {
    /// The URL that `text` is; nil when it is a path.
    static func url(_ text: String) throws(RunError) -> OutboundURL? {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        if ["s3", "oss", "tos"].contains(scheme), text.dropFirst(scheme.count).hasPrefix(":") {
            throw RunError(
                .refused, "\(scheme): addresses need a store's credentials: presign the object and give its https URL")
        }
        guard text.dropFirst(scheme.count).hasPrefix("://"), ["http", "https"].contains(scheme) else { return nil }
        do {
            return try OutboundURL(text)
        } catch {
            throw RunError(.refused, "the URL \(text.prefix { $0 != "?" }) \(error.message)")
        }
    }

    /// Whether two URLs mean one object: equal, or equal but for queries that are permissions.
    static func isSame(_ one: OutboundURL, _ other: OutboundURL) -> Bool {
        if one.text == other.text { return true }
        let isPermission = [one, other].contains { $0.text.lowercased().contains("signature=") }
        let (left, right) = (path(one), path(other))
        return isPermission && one.host == other.host && one.port == other.port && left == right
    }

    /// Whether two paths mean one file; of files that do not exist yet, whether they would be one.
    static func isSame(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        if let left = identity(one), let right = identity(other) { return left == right }
        let (left, right) = (parts(one), parts(other))
        guard left.name == right.name, let folder = identity(left.folder) else { return false }
        return folder == identity(right.folder)
    }

    private static func identity(_ path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    private static func parts(_ path: String) -> (folder: String, name: Substring) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
        return (String(path[...slash]), path[path.index(after: slash)...])
    }

    private static func path(_ url: OutboundURL) -> Substring {
        let plain = url.text.prefix { $0 != "?" }
        return plain.drop { $0 != "/" }.dropFirst(2).drop { $0 != "/" }
    }
}
