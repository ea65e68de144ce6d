// SPDX-License-Identifier: Apache-2.0

/// The middle of several figures.
enum Median {
    /// The one in the middle; of an even number the lower one of the two; 0 without any.
    static func of(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[(sorted.count - 1) / 2]
    }
}
