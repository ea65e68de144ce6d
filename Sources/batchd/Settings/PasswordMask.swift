// SPDX-License-Identifier: Apache-2.0

/// Hides the passwords in a libpq connection string or URL, so that it can be shown and logged.
enum PasswordMask {
    /// `text` with every password replaced by `***`. Rather hides too much than too little.
    static func masked(_ text: String) -> String {
        text
            .replacing(#/(:\/\/[^:@\/?#]*):.*@/#) { "\($0.output.1):***@" }
            .replacing(#/password\s*=\s*('(?:\\.|[^'\\])*'?|[^\s&]*)/#) { _ in "password=***" }
    }

    /// `line` without the API key at its end: a log is read by more people than standard output.
    static func withoutKey(_ line: String) -> String {
        line.replacing(#/ key=\S*/#) { _ in " key=***" }
    }
}
