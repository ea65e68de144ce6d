// SPDX-License-Identifier: Apache-2.0

/// What an inference server is called in results and messages.
enum ServerName {
    /// Host and port of a base URL: no user, no password, no path, no query.
    static func of(_ url: String) -> String {
        var rest = url[...]
        if let scheme = url.firstRange(of: "://") { rest = url[scheme.upperBound...] }
        rest = rest.prefix { !"/?#".contains($0) }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        return rest.isEmpty ? "the inference server" : String(rest)
    }
}
