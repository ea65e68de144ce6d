// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// An invariant that does not hold: the files are not published, and the duty is tried again.
struct FinalizeFault: Error, CustomStringConvertible {
    let batch: BatchID
    let reason: String

    var description: String { "batch \(batch) cannot be finalized: \(reason)" }
}
