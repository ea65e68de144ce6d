// SPDX-License-Identifier: Apache-2.0

/// Why a bench has no result: the thing, the place, the way out.
struct BenchFault: Error, Hashable, CustomStringConvertible {
    /// One or two sentences.
    let description: String

    /// A fault in words.
    init(_ description: String) {
        self.description = description
    }
}
