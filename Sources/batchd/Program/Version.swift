// SPDX-License-Identifier: Apache-2.0

/// The program's version.
enum Version {
    /// Semantic version; also sent to backends as part of the user agent.
    static let text = "0.1.0"
}
